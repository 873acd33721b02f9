import { defineProject } from 'vitest/config'

/** The Worker in a workerd of its own, with the network it would have: hostile hosts, memory, restarts. */
export default defineProject({
  root: import.meta.dirname,
  test: {
    name: 'workerd',
    include: ['**/*.test.ts'],
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
