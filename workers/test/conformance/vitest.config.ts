import { defineProject } from 'vitest/config'

/** On Node: real clients and plain HTTP against one full stack, which the global setup starts. */
export default defineProject({
  test: {
    name: 'conformance',
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: ['./global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
