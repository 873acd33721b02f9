import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChecks } from './check.mjs'
import { runInForeground } from './child.mjs'
import { installChromium } from './chromium.mjs'
import { root } from './setup.mjs'

/** Runs the checks and every layer of tests, and ends with one line that counts them all. */
export async function test(setting, args) {
  await installChromium()
  const checked = await runChecks(setting)
  const tested = await runVitest(setting, args)
  const passed = checked.passed + tested.passed
  const failed = checked.failed + tested.failed
  console.log(`\n${passed} passed, ${failed} failed, ${tested.skipped} skipped`)
  // Nothing may be missing where nobody would notice.
  const isWhole = tested.skipped === 0 || !process.env.CI
  return failed === 0 && isWhole ? 0 : 1
}

async function runVitest({ env }, args) {
  const folder = mkdtempSync(join(tmpdir(), 'auth-agent-tests-'))
  const countsFile = join(folder, 'counts.json')
  try {
    const reporters = ['--reporter=dot', `--reporter=${join(root, 'scripts/count-reporter.mjs')}`]
    const options = { cwd: root, env: { ...env, TEST_COUNTS_FILE: countsFile } }
    const code = await runInForeground('vitest', ['run', ...reporters, ...args], options)
    const counts = JSON.parse(readFileSync(countsFile, 'utf8'))
    // vitest also fails for what is no test, such as a layer that could not be set up.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
