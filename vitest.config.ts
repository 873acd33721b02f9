import { defineConfig } from 'vitest/config'

// Each layer says itself what it needs; see ARCHITECTURE, "Tests".
const layers = [
  'workers/vitest.config.ts',
  'supabase/local/vitest.config.ts',
  'supabase/tests/vitest.config.ts',
  'sdk/typescript/vitest.config.ts',
  'examples/typescript-server/vitest.config.ts',
  'workers/test/conformance/vitest.config.ts',
  'workers/test/races/vitest.config.ts',
  'workers/test/browser/vitest.config.ts',
  'workers/test/end-to-end/vitest.config.ts',
  'docs/test/vitest.config.ts',
]

export default defineConfig({
  test: {
    // The Worker's log lines are shown where a test fails.
    silent: 'passed-only',
    projects: [{ test: { name: 'unit', include: ['workers/src/**/*.test.{ts,tsx}'], isolate: false } }, ...layers],
  },
})
