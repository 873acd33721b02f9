import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineProject } from 'vitest/config'

/** Tests inside workerd: each endpoint, and the attacks of the threat model. */
export default defineProject({
  plugins: [
    cloudflareTest(({ inject }) => ({
      main: `${import.meta.dirname}/src/index.ts`,
      wrangler: { configPath: `${import.meta.dirname}/wrangler.jsonc` },
      miniflare: { cf: false, bindings: inject('workerVariables') },
    })),
  ],
  test: {
    name: 'worker',
    root: import.meta.dirname,
    include: ['test/worker/**/*.test.ts', 'test/attacks/**/*.test.ts'],
    globalSetup: ['./test/support/worker-setup.ts'],
    // Files share one workerd: a new one each costs a second a file.
    isolate: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
