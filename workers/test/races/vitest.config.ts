import { defineProject } from 'vitest/config'

export default defineProject({
  root: import.meta.dirname,
  test: {
    name: 'races',
    include: ['**/*.test.ts'],
    globalSetup: ['../../../supabase/tests/support/global-setup.ts'],
    isolate: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
