// biome-ignore-all lint/style/noDefaultExport: vitest reads the default export
import { defineProject } from 'vitest/config'

export default defineProject({
  // The tests see the source of the SDK, not what was built of it some time ago.
  resolve: { alias: { 'auth-agent-mcp-sdk': `${import.meta.dirname}/../../sdk/typescript/src/index.ts` } },
  test: {
    name: 'example',
    root: import.meta.dirname,
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
