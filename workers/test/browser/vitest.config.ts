import { defineProject } from 'vitest/config'

export default defineProject({
  root: import.meta.dirname,
  test: {
    name: 'browser',
    include: ['**/*.test.ts'],

    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
})
