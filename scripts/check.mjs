import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runQuietly, Sentence } from './child.mjs'
import { withProgress } from './progress.mjs'
import { preparePython, pythonFolders, pythonSdk } from './python.mjs'
import { root } from './setup.mjs'

const sdk = join(root, 'sdk', 'typescript')

const checks = {
  'lint, format and import rules': ({ env }) => run('biome', ['ci', '--colors=off', '.'], env),
  types: ({ env }) => run('tsc', ['-b'], env),
  'generated files are up to date': checkGenerated,
  "the Worker's bundle stays small": checkBundle,
  "the SDK's package": ({ env }) => run('publint', ['--strict', '--pack', 'npm', sdk], env),
  "the SDK's types for its users": ({ env }) =>
    run('attw', ['--pack', sdk, '--profile', 'esm-only', '--no-color'], env),
  'lint and format of everything in Python': (setting) => checkPython(setting, checkRuff),
  'types of everything in Python': (setting) => checkPython(setting, checkPyright),
}

const marks = { passed: '✓', failed: '✗', skipped: '-' }

/** Runs every check, whatever the others say, and gives how many passed, failed and could not be run. */
export async function runChecks(setting) {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
  for (const [name, check] of Object.entries(checks)) {
    const startedAtMs = Date.now()
    const { code, output } = await withProgress(`checking: ${name}`, () => check(setting))
    const took = `${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`
    const outcome = code === undefined ? 'skipped' : code === 0 ? 'passed' : 'failed'
    if (outcome !== 'passed') console.log(output.trimEnd())
    console.log(`${marks[outcome]} ${name} (${took})`)
    counts[outcome] += 1
    if (outcome === 'failed') counts.failures.push(name)
  }
  return counts
}

export async function check(setting) {
  const { passed, failed, skipped } = await runChecks(setting)
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
  // Nothing may be missing where nobody would notice.
  return failed === 0 && (skipped === 0 || !process.env.CI) ? 0 : 1
}

// Who works on the TypeScript side alone needs no Python; whoever is told "skipped" is told why.
async function checkPython(setting, check) {
  try {
    return await check(await preparePython(setting, pythonSdk), setting)
  } catch (error) {
    if (error instanceof Sentence) return { code: undefined, output: error.message }
    throw error
  }
}

// Each file is looked at by the settings nearest to it.
async function checkRuff(python, { env }) {
  const folders = [...pythonFolders, join(root, 'workers', 'test')]
  const lint = await runQuietly(python, ['-m', 'ruff', 'check', '--quiet', ...folders], { cwd: root, env })
  const format = await runQuietly(python, ['-m', 'ruff', 'format', '--check', '--quiet', ...folders], {
    cwd: root,
    env,
  })
  return { code: Math.max(lint.code, format.code), output: lint.output + format.output }
}

async function checkPyright(_python, { env }) {
  const outcomes = []
  for (const folder of pythonFolders) outcomes.push(await runQuietly('pyright', [], { cwd: folder, env }))
  return { code: Math.max(...outcomes.map(({ code }) => code)), output: outcomes.map(({ output }) => output).join('') }
}

function run(command, args, env) {
  return runQuietly(command, args, { cwd: root, env })
}

// Each generator compares instead of writing when it is asked to.
async function checkGenerated({ node, env }) {
  const outcomes = []
  for (const file of generators().filter((path) => existsSync(join(root, path)))) {
    outcomes.push(await run(node, [join(root, file), '--check'], env))
  }
  return {
    code: Math.max(0, ...outcomes.map(({ code }) => code)),
    output: outcomes.map(({ output }) => output).join(''),
  }
}

function generators() {
  const folders = ['scripts', 'supabase/local/scripts', 'workers/scripts', 'docs/scripts']
  const files = folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
  return files.filter((file) => /\/(generate|build)-[a-z-]+\.(ts|mjs)$/.test(file))
}

// The build that wrangler starts refuses what is too large.
async function checkBundle({ env }) {
  const folder = mkdtempSync(join(tmpdir(), 'auth-agent-bundle-'))
  try {
    const wrangler = join(root, 'workers/node_modules/.bin/wrangler')
    const options = { WRANGLER_SEND_METRICS: 'false', WRANGLER_SEND_ERROR_REPORTS: 'false' }
    const args = ['deploy', '--dry-run', '--outdir', folder]
    return await runQuietly(wrangler, args, { cwd: join(root, 'workers'), env: { ...env, ...options } })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
