import { defineProject } from 'vitest/config'

/** Holds the pages to the code: blocks are compiled, run or compared, links and names are looked up. */
export default defineProject({
  test: { name: 'docs', root: import.meta.dirname, include: ['*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
})
