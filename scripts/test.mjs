import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChecks } from './check.mjs'
import { runBeside, runInForeground, Sentence } from './child.mjs'
import { installChromium } from './chromium.mjs'
import { runPytest } from './pytest.mjs'
import { preparePython, pythonExample } from './python.mjs'
import { withSecondTry } from './second-try.mjs'
import { root } from './setup.mjs'

// Files of the layer inside workerd share one database and come one after the other; all the others may run side by
// side, and mostly wait for a browser or a server meanwhile.
const alone = 'worker'
const workersBesides = Math.max(3, availableParallelism())

/** Runs the checks and every layer of tests, and ends with one line that counts them all. */
export async function test(setting, args) {
  const isPythonAlone = args[0] === '--project' && args[1] === 'python'
  // Beside vitest, which waits for databases and browsers more than it works.
  const pytest = args.length === 0 || isPythonAlone ? runPytest(setting, args.slice(2)) : {}
  if (!isPythonAlone) await prepareVitest(setting)
  const checked = await runChecks(setting)
  const tested = isPythonAlone ? [] : await withCountsFolder((folder) => runLayers(setting, folder, args))
  const { output = '', ...inPython } = await pytest
  if (inPython.failed + inPython.skipped > 0 || isPythonAlone) console.log(`\n${output.trim()}`)
  const counts = [checked, ...tested, inPython]
  const sum = (name) => counts.reduce((total, part) => total + (part[name] ?? 0), 0)
  // What failed stands far above by now, among the output of layers that ran at the same time.
  for (const failure of counts.flatMap(({ failures = [] }) => failures)) console.log(`✗ ${failure}`)
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
  // Nothing may be missing where nobody would notice.
  const isWhole = sum('skipped') === 0 || !process.env.CI
  return sum('failed') === 0 && isWhole ? 0 : 1
}

// What several layers want is made before they start, so that it takes no test's time.
async function prepareVitest(setting) {
  await installChromium()
  await preparePython(setting, pythonExample).catch((error) => {
    if (!(error instanceof Sentence)) throw error
    console.error(error.message)
  })
}

async function withCountsFolder(start) {
  const folder = mkdtempSync(join(tmpdir(), 'auth-agent-tests-'))
  try {
    return await start(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runLayers(setting, folder, args) {
  const runs = await Promise.all(startLayers(setting, folder, args))
  const files = runs.flatMap((run) => run.files)
  const runAgain = ({ path, project }) => run(setting, folder, ['--project', project, path])
  const counted = args.length > 0 ? files : await withSecondTry(files, runAgain)
  const outside = { failures: runs.flatMap((run) => run.outside) }
  return [...counted, outside].map((part) => ({ ...part, failed: part.failures.length }))
}

function startLayers(setting, folder, args) {
  if (args.length > 0) return [run(setting, folder, args)]
  const others = { VITEST_MAX_WORKERS: String(workersBesides) }
  return [run(setting, folder, ['--project', `!${alone}`], others), runAlone(setting, folder)]
}

function run(setting, folder, args, variables = {}) {
  return countVitest(setting, join(folder, 'counts.json'), args, (command, all, options) =>
    runInForeground(command, all, { ...options, env: { ...options.env, ...variables } }),
  )
}

function runAlone(setting, folder) {
  return countVitest(
    setting,
    join(folder, 'counts-alone.json'),
    ['--project', alone],
    async (command, all, options) => {
      const { code, output } = await runBeside(command, all, options)
      console.log(output)
      return code
    },
  )
}

async function countVitest({ env }, countsFile, args, start) {
  const reporters = ['--reporter=dot', `--reporter=${join(root, 'scripts/count-reporter.mjs')}`]
  rmSync(countsFile, { force: true })
  try {
    const code = await start('vitest', ['run', ...reporters, ...args], {
      cwd: root,
      env: { ...env, TEST_COUNTS_FILE: countsFile },
    })
    const { files, outside } = JSON.parse(readFileSync(countsFile, 'utf8'))
    const isTold = outside.length + files.flatMap(({ failures }) => failures).length > 0
    // vitest also fails for what is no test, such as a layer that could not be set up.
    return { files, outside: code !== 0 && !isTold ? [`vitest ${args.join(' ')}: see above`] : outside }
  } catch {
    return { files: [], outside: [`vitest ${args.join(' ')} left no counts: see above`] }
  }
}
