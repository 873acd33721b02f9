import { defineProject } from 'vitest/config'

/** Outages between the real parts: a PostgreSQL, its RPC surface, the Worker in workerd, a mailbox. */
export default defineProject({
  root: import.meta.dirname,
  test: {
    name: 'faults',
    include: ['**/*.test.ts'],
    isolate: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // A second, as usual, is not enough for a process that is waited for beside others.
    expect: { poll: { timeout: 60_000 } },
  },
})
