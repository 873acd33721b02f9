import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { runQuietly } from './child.mjs'
import { withProgress } from './progress.mjs'
import { root } from './setup.mjs'

const bundleLimitBytes = 120_000
const sdk = join(root, 'sdk', 'typescript')

const checks = {
  'lint, format and import rules': ({ env }) => run('biome', ['ci', '--colors=off', '.'], env),
  types: ({ env }) => run('tsc', ['-b'], env),
  'generated files are up to date': checkGenerated,
  "the Worker's bundle stays small": checkBundle,
  "the SDK's package": ({ env }) => run('publint', ['--strict', '--pack', 'npm', sdk], env),
  "the SDK's types for its users": ({ env }) =>
    run('attw', ['--pack', sdk, '--profile', 'esm-only', '--no-color'], env),
}

/** Runs every check, whatever the others say, and gives how many passed and failed. */
export async function runChecks(setting) {
  const counts = { passed: 0, failed: 0 }
  for (const [name, check] of Object.entries(checks)) {
    const startedAtMs = Date.now()
    const { code, output } = await withProgress(`checking: ${name}`, () => check(setting))
    const took = `${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`
    if (code !== 0) console.log(output.trimEnd())
    console.log(`${code === 0 ? '✓' : '✗'} ${name} (${took})`)
    counts[code === 0 ? 'passed' : 'failed'] += 1
  }
  return counts
}

export async function check(setting) {
  const { passed, failed } = await runChecks(setting)
  console.log(`\n${passed} passed, ${failed} failed, 0 skipped`)
  return failed === 0 ? 0 : 1
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

async function checkBundle({ env }) {
  const folder = mkdtempSync(join(tmpdir(), 'auth-agent-bundle-'))
  try {
    const wrangler = join(root, 'workers/node_modules/.bin/wrangler')
    const args = ['deploy', '--dry-run', '--minify', '--outdir', folder]
    const options = { WRANGLER_SEND_METRICS: 'false', WRANGLER_SEND_ERROR_REPORTS: 'false' }
    const made = await runQuietly(wrangler, args, { cwd: join(root, 'workers'), env: { ...env, ...options } })
    if (made.code !== 0) return made
    const sizeBytes = gzipSync(readFileSync(join(folder, 'index.js')), { level: 9 }).length
    const output = `The bundle has ${sizeBytes} bytes gzipped; the limit is ${bundleLimitBytes}.`
    return { code: sizeBytes < bundleLimitBytes ? 0 : 1, output }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
