import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runQuietly, Sentence } from './child.mjs'
import { preparePython, pythonFolders, pythonSdk } from './python.mjs'

/** Runs the tests of everything in Python silently and gives their counts, with the output. */
export async function runPytest(setting, args) {
  const sum = { passed: 0, failed: 0, skipped: 0, output: '' }
  for (const tested of pythonFolders) {
    const counts = await runPytestIn(tested, setting, args)
    for (const [name, value] of Object.entries(counts)) sum[name] += value
  }
  return sum
}

async function runPytestIn(tested, setting, args) {
  const folder = mkdtempSync(join(tmpdir(), 'auth-agent-pytest-'))
  const report = join(folder, 'report.xml')
  try {
    const python = await preparePython(setting, pythonSdk)
    const options = { cwd: tested, env: setting.env }
    const pytest = ['-m', 'pytest', '-q', '--no-header', '-p', 'no:cacheprovider', `--junitxml=${report}`]
    const { code, output } = await runQuietly(python, [...pytest, ...args], options)
    const counts = readCounts(readFileSync(report, 'utf8'))
    // pytest also fails for what is no test, such as a file that cannot be read.
    const failed = code !== 0 && counts.failed === 0 ? 1 : counts.failed
    return { ...counts, failed, output }
  } catch (error) {
    if (error instanceof Sentence) return { passed: 0, failed: 0, skipped: 1, output: error.message }
    return { passed: 0, failed: 1, skipped: 0, output: String(error) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readCounts(xml) {
  const count = (name) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1])
  const [tests, failed, skipped] = [count('tests'), count('failures') + count('errors'), count('skipped')]
  return { passed: tests - failed - skipped, failed, skipped }
}
