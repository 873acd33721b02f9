import { defineProject } from 'vitest/config'

export default defineProject({
  root: import.meta.dirname,
  test: { name: 'end-to-end', include: ['**/*.test.ts'], testTimeout: 120_000, hookTimeout: 60_000 },
})
