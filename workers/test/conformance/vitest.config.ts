import { defineProject } from 'vitest/config'

/** On Node: real clients and plain HTTP against one full stack, which the global setup starts. */
export default defineProject({
  test: {
    name: 'conformance',
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: ['./global-setup.ts'],
    // The longest way takes a quarter of a minute, and two minutes where twenty others want the processor.
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
})
