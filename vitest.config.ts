import { defineConfig } from 'vitest/config'
import { LongestLayersFirst } from './scripts/longest-layers-first.mjs'

// Each layer says itself what it needs; see ARCHITECTURE "How it is tested".
const layers = [
  'workers/vitest.config.ts',
  'supabase/local/vitest.config.ts',
  'supabase/tests/vitest.config.ts',
  'sdk/typescript/vitest.config.ts',
  'examples/typescript-server/vitest.config.ts',
  'workers/test/conformance/vitest.config.ts',
  'workers/test/examples/vitest.config.ts',
  'workers/test/races/vitest.config.ts',
  'workers/test/workerd/vitest.config.ts',
  'workers/test/faults/vitest.config.ts',
  'workers/test/operations/vitest.config.ts',
  'workers/test/browser/vitest.config.ts',
  'workers/test/end-to-end/vitest.config.ts',
  'docs/test/vitest.config.ts',
  'release/vitest.config.ts',
]

export default defineConfig({
  test: {
    // The Worker's log lines are shown where a test fails.
    silent: 'passed-only',
    sequence: { sequencer: LongestLayersFirst },
    projects: [
      { test: { name: 'unit', include: ['workers/src/**/*.test.{ts,tsx}'], isolate: false, testTimeout: 60_000 } },
      ...layers,
    ],
  },
})
