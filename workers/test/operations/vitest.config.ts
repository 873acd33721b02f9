import { defineProject } from 'vitest/config'

/** What operators run, as they run it: programs on a real PostgreSQL, the RPC surface and the Worker in workerd. */
export default defineProject({
  root: import.meta.dirname,
  test: {
    name: 'operations',
    include: ['**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
