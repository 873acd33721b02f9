/** Runs the tests of the release before on the schema of the next one: forward only, expand before contract. */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { pnpm } from '../scripts/setup.mjs'
import { readReleased } from './released.ts'
import { run } from './tools.ts'
import { root } from './versions.ts'

export type Rehearsal = {
  /** The release whose Worker is to go on running, by its tag; this checkout's where there was none yet. */
  readonly tag: string | null
  /** The migrations of this checkout are applied in any case; these as well. */
  readonly more: string | null
}

const ofFirstRelease: Rehearsal = { tag: null, more: join(root, 'release/next') }

export function plannedRehearsal(): Rehearsal {
  const { version } = readReleased()
  return version === null ? ofFirstRelease : { tag: `v${version}`, more: null }
}

export type Tell = (text: string) => void

/** Gives the exit status of the tests of the Worker, or of these files of them, and tells what they print. */
export async function rehearse(rehearsal: Rehearsal, files: readonly string[], tell: Tell): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'rehearsal-'))
  const previous = rehearsal.tag === null ? root : join(folder, 'previous')
  try {
    if (rehearsal.tag !== null) await checkOut(rehearsal.tag, previous)
    const migrations = join(folder, 'migrations')
    cpSync(join(root, 'supabase/migrations'), migrations, { recursive: true })
    if (rehearsal.more !== null) cpSync(rehearsal.more, migrations, { recursive: true })
    tell(describe(rehearsal, readdirSync(migrations).sort().at(-1) ?? ''))
    return await runTests({ checkout: previous, migrations, files }, tell)
  } finally {
    if (existsSync(previous) && previous !== root) await run('git', 'worktree', 'remove', '--force', previous)
    rmSync(folder, { recursive: true, force: true })
  }
}

function describe({ tag }: Rehearsal, newest: string): string {
  const worker = tag === null ? 'The Worker of this checkout (there is no release yet)' : `The Worker of ${tag}`
  return `${worker}, on the schema up to ${newest}:\n`
}

async function checkOut(tag: string, folder: string): Promise<void> {
  await run('git', 'worktree', 'add', '--detach', folder, tag)
  await run('npx', '--yes', pnpm, '--dir', folder, 'install', '--frozen-lockfile', '--prefer-offline')
}

type Tests = { readonly checkout: string; readonly migrations: string; readonly files: readonly string[] }

function runTests({ checkout, migrations, files }: Tests, tell: Tell): Promise<number> {
  const bin = join(checkout, 'node_modules/.bin')
  const env = { ...process.env, PATH: [bin, process.env.PATH].join(delimiter), MIGRATIONS_FOLDER: migrations }
  const child = spawn(join(bin, 'vitest'), ['run', '--project', 'worker', ...files], { cwd: checkout, env })
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', tell)
  return new Promise((resolve, reject) => child.once('error', reject).once('close', (status) => resolve(status ?? 1)))
}
