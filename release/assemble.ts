import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryOf } from './changes.ts'
import { writeBillsOfMaterials } from './sbom.ts'
import { run } from './tools.ts'
import { readVersions, root } from './versions.ts'

/** Copied as they are: the schema for the SQL editor, and what has to go along with what others wrote. */
const copied = ['supabase/migration-add-mcp.sql', 'LICENSE', 'THIRD-PARTY-NOTICES.md']

/** Puts the files of a release into a folder: the server for one machine, the schema, bills of materials, digests. */
export async function assemble(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const version = readVersions()['workers/package.json'] ?? ''
  await packSelfHosted(join(folder, `auth-agent-mcp-${version}-${process.platform}-${process.arch}.tar.gz`))
  await writeBillsOfMaterials(folder)
  for (const file of copied) copyFileSync(join(root, file), join(folder, file.replace(/^.*\//, '')))
  writeFileSync(join(folder, 'CHANGES.md'), entryOf(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version))
  const sums = readdirSync(folder).map((name) => `${digestOf(join(folder, name))}  ${name}\n`)
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''))
}

async function packSelfHosted(archive: string): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'self-hosted-'))
  try {
    await run(process.execPath, join(root, 'workers/self-hosted/build.ts'), join(place, 'auth-agent-mcp'))
    // The same files give the same archive, whoever packs them and when.
    const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=ustar']
    await run('tar', ...same, '--use-compress-program=gzip -n', '-C', place, '-cf', archive, 'auth-agent-mcp')
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
