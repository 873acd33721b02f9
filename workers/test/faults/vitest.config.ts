import { defineProject } from 'vitest/config'

/** Outages between the real parts: a PostgreSQL, its RPC surface, the Worker in workerd, a mailbox. */
export default defineProject({
  root: import.meta.dirname,
  test: {
    name: 'faults',
    include: ['**/*.test.ts'],
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
