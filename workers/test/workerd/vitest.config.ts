import { defineProject } from 'vitest/config'

/** The Worker in a workerd of its own, with the network it would have: hostile hosts, memory, restarts. */
export default defineProject({
  root: import.meta.dirname,
  test: {
    name: 'workerd',
    include: ['**/*.test.ts'],
    isolate: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // A second, as usual, is not enough for a process that is waited for beside others.
    expect: { poll: { timeout: 60_000 } },
  },
})
