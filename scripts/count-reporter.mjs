import { writeFileSync } from 'node:fs'

/** A vitest reporter that leaves the run's counts, and the names of what failed, in the file named by TEST_COUNTS_FILE. */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const failures = unhandledErrors.map(({ message }) => `outside of every test: ${message}`)
    const counts = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      // A file that can't even be loaded has no tests that could fail.
      if (module.state() === 'failed' && module.errors().length > 0) failures.push(module.relativeModuleId)
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'failed') failures.push(`${module.relativeModuleId} > ${test.fullName}`)
        else counts[state] += 1
      }
    }
    counts.failed = failures.length
    writeFileSync(process.env.TEST_COUNTS_FILE, JSON.stringify({ ...counts, failures }))
  }
}
