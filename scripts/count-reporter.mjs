import { writeFileSync } from 'node:fs'

/**
 * A vitest reporter that leaves in the file named by TEST_COUNTS_FILE what each test file counts:
 * `{ files: [{ path, project, name, passed, skipped, failures }], outside }`, where `failures` are names of tests and
 * `outside` are errors that belong to no test.
 */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const ids = new Set(modules.map(({ moduleId }) => moduleId))
    const outside = unhandledErrors.filter((error) => !ids.has(error.VITEST_TEST_PATH)).map(nameError)
    const files = modules.map((module) =>
      countFile(
        module,
        unhandledErrors.filter((error) => error.VITEST_TEST_PATH === module.moduleId),
      ),
    )
    writeFileSync(process.env.TEST_COUNTS_FILE, JSON.stringify({ files, outside }))
  }
}

const nameError = ({ message }) => `outside of every test: ${message}`

function countFile(module, unhandledErrors) {
  const { moduleId: path, relativeModuleId: name } = module
  const counts = { passed: 0, skipped: 0 }
  const failures = unhandledErrors.map((error) => `${name} > ${nameError(error)}`)
  // A file that can't even be loaded has no tests that could fail.
  if (module.state() === 'failed' && module.errors().length > 0) failures.push(name)
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    if (state === 'failed') failures.push(`${name} > ${test.fullName}`)
    else if (state in counts) counts[state] += 1
  }
  return { path, project: module.project.name, name, ...counts, failures }
}
