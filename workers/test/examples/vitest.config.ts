import { defineProject } from 'vitest/config'

/** On Node: real clients, a browser and plain HTTP against the examples in every language, on one full stack. */
export default defineProject({
  test: {
    name: 'examples',
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: ['./global-setup.ts'],
    // The longest way takes a quarter of a minute, and two minutes where twenty others want the processor.
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
})
