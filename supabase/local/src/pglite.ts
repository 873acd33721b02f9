import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite, type PGliteOptions } from '@electric-sql/pglite'
import type { Backend, Row } from './backend.ts'
import { emptyCluster } from './empty-cluster.ts'
import { type FolderLock, lockFolder } from './folder-lock.ts'

/**
 * Opens the embedded PostgreSQL: in memory, or in `folder`, which is locked because PGlite itself lets two
 * processes write one folder and loses rows silently.
 * @throws FolderInUse when another process has the folder open
 */
export async function openPglite(folder?: string): Promise<Backend> {
  if (folder === undefined) return backendOf(await open({ loadDataDir: await emptyCluster() }))
  // PGlite makes its files readable by everybody; the folder around them is what keeps others out.
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(folder)
  try {
    return backendOf(await openIn(folder), lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function open(options: PGliteOptions): Promise<PGlite> {
  const pglite = await PGlite.create(options)
  // Its session begins without a recorded user, so the end of a transaction could not bring that user back after
  // `set local session authorization`.
  await pglite.exec('set session authorization postgres')
  return pglite
}

async function openIn(folder: string): Promise<PGlite> {
  const dataDir = join(folder, 'postgres')
  if (!existsSync(dataDir)) {
    // Under another name until it is whole: a process killed half-way must not leave half a cluster.
    const unfinished = join(folder, 'postgres.new')
    await rm(unfinished, { recursive: true, force: true })
    await (await PGlite.create({ dataDir: unfinished, loadDataDir: await emptyCluster() })).close()
    await rename(unfinished, dataDir)
  }
  return open({ dataDir })
}

function backendOf(pglite: PGlite, lock?: FolderLock): Backend {
  return {
    query: async (sql, params) => {
      if (params !== undefined) return (await pglite.query<Row>(sql, [...params])).rows
      return (await pglite.exec(sql)).at(-1)?.rows ?? []
    },
    close: async () => {
      await pglite.close()
      await lock?.release()
    },
  }
}
