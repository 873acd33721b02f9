import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './versions.ts'

/** What the next release is compared with. Before the first one there is nothing that a change could break. */
export type Released = { version: string | null; last_migration: string | null; contract_sha256: string }

export const releasedFile = 'release/released.json'

export function readReleased(folder: string = root): Released {
  return JSON.parse(readFileSync(join(folder, releasedFile), 'utf8'))
}

/** One digest over every case that both SDKs answer, whatever the version they say they have. */
export function contractDigest(folder: string = root): string {
  const contract = join(folder, 'sdk/contract')
  const hash = createHash('sha256')
  for (const name of readdirSync(contract)
    .filter((one) => one.endsWith('.json'))
    .sort()) {
    const text = readFileSync(join(contract, name), 'utf8').replace(/^ {2}"contract_version": .*\n/m, '')
    hash.update(`${name}\0${text}\0`)
  }
  return hash.digest('hex')
}

export function lastMigration(folder: string = root): string {
  const names = readdirSync(join(folder, 'supabase/migrations')).filter((name) => name.endsWith('.sql'))
  return names.sort().at(-1) ?? ''
}
