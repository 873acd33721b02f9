import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

export type Bundle = { path: string; folder: string; sizeBytes: number; gzipBytes: number }

const workersFolder = join(import.meta.dirname, '..')

/** Bundles a Worker exactly as a deployment would: wrangler's own dry run, minified. Works offline. */
export function bundleWorker(entry: string): Bundle {
  const folder = mkdtempSync(join(tmpdir(), 'auth-agent-bench-'))
  const wrangler = join(workersFolder, 'node_modules/.bin/wrangler')
  const run = spawnSync(wrangler, ['deploy', entry, '--name', 'bench', '--dry-run', '--minify', '--outdir', folder], {
    cwd: workersFolder,
    encoding: 'utf8',
    env: {
      ...process.env,
      // wrangler's launcher takes the first node on the PATH, which may be older than the one running this.
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_SEND_ERROR_REPORTS: 'false',
    },
  })
  if (run.status !== 0) throw new Error(`wrangler could not bundle ${entry}:\n${run.stdout}\n${run.stderr}`)
  const file = readdirSync(folder).find((name) => name.endsWith('.js'))
  if (file === undefined) throw new Error(`wrangler wrote no module for ${entry} into ${folder}`)
  const path = join(folder, file)
  const code = readFileSync(path)
  return { path, folder, sizeBytes: code.length, gzipBytes: gzipSync(code, { level: 9 }).length }
}
