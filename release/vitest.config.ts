import { defineProject } from 'vitest/config'

/** What is released: versions, changelog, lock files, notices, workflows. */
export default defineProject({
  test: {
    name: 'release',
    root: import.meta.dirname,
    include: ['test/*.test.ts'],
    globalSetup: ['./test/global-setup.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
})
