import { defineProject } from 'vitest/config'

export default defineProject({
  root: import.meta.dirname,
  test: {
    name: 'browser',
    include: ['**/*.test.ts'],
    // A second, the usual one, is little for a browser on a busy machine.
    expect: { poll: { timeout: 100_000 } },
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
})
