import { writeFileSync } from 'node:fs'

/** A vitest reporter that leaves the run's counts in the file named by TEST_COUNTS_FILE. */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      // A file that can't even be loaded has no tests that could fail.
      if (module.state() === 'failed' && module.errors().length > 0) counts.failed += 1
      for (const test of module.children.allTests()) counts[test.result().state] += 1
    }
    writeFileSync(process.env.TEST_COUNTS_FILE, JSON.stringify(counts))
  }
}
