import { defineProject } from 'vitest/config'

export default defineProject({
  root: import.meta.dirname,
  test: {
    name: 'races',
    include: ['**/*.test.ts'],

    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
