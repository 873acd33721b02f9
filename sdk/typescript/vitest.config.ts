// biome-ignore-all lint/style/noDefaultExport: vitest reads the default export
import { defineProject } from 'vitest/config'

export default defineProject({
  test: {
    name: 'sdk',
    root: import.meta.dirname,
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/counted.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
