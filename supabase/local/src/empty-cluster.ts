import { randomBytes } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'

const cacheFolder = join(import.meta.dirname, '../../../node_modules/.cache/auth-agent-mcp')

/**
 * An empty database cluster as a tar file. Making one takes PGlite five seconds of CPU and loading one takes half a
 * second, so the first is kept beside the installed packages, for this version of PGlite.
 */
export async function emptyCluster(): Promise<Blob> {
  const file = join(cacheFolder, `pglite-${await pgliteVersion()}.tar`)
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (!isThere) await makeCluster(file)
  return openAsBlob(file)
}

async function makeCluster(file: string): Promise<void> {
  const pglite = await PGlite.create()
  const image = await pglite.dumpDataDir('none')
  await pglite.close()
  await mkdir(dirname(file), { recursive: true })
  // Whole or not at all: others may be looking for it, or making it too.
  const own = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(own, image.stream())
  await rename(own, file)
}

async function pgliteVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const { version }: { version: string } = JSON.parse(await readFile(join(dirname(entry), '../package.json'), 'utf8'))
  return version
}
