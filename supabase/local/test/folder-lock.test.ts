import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderInUse, lockFolder } from '../src/folder-lock.ts'
import { openPglite } from '../src/pglite.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folder-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const holder = `
  const { lockFolder } = await import(process.argv[1])
  await lockFolder(process.argv[2])
  console.log('locked')
  setInterval(() => {}, 1000)`

/** Another process that holds the folder until it is killed. */
async function startHolder() {
  const module = join(import.meta.dirname, '../src/folder-lock.ts')
  const child = spawn(process.execPath, ['--input-type=module', '-e', holder, module, folder])
  await once(child.stdout, 'data')
  return child
}

describe('the lock on a folder', () => {
  it('lets one process in and tells the next which process it is', async () => {
    const lock = await lockFolder(folder)
    await expect(lockFolder(folder)).rejects.toThrow(FolderInUse)
    await expect(lockFolder(folder)).rejects.toThrow(`process ${process.pid}`)
    await lock.release()
    await (await lockFolder(folder)).release()
  })

  it('is free again after the holder was killed without a chance to clean up', async () => {
    const child = await startHolder()
    await expect(lockFolder(folder)).rejects.toThrow(`process ${child.pid}`)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = await lockFolder(folder)
    expect(await readdir(join(folder, '.lock'))).toHaveLength(1)
    await lock.release()
  })

  it('lets exactly one of many in that come at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)))
      const winners = tries.filter((attempt) => attempt.status === 'fulfilled')
      expect(winners).toHaveLength(1)
      for (const { value } of winners) await value.release()
    }
  })

  it('works where the path is too long for a socket', async () => {
    const long = join(folder, 'x'.repeat(120))
    await mkdir(long)
    const lock = await lockFolder(long)
    await expect(lockFolder(long)).rejects.toThrow(FolderInUse)
    await lock.release()
  })

  it('does not mind other files in its place', async () => {
    await (await lockFolder(folder)).release()
    await writeFile(join(folder, '.lock', 'note.txt'), 'x')
    await writeFile(join(folder, '.lock', 'stale.sock'), '')
    await (await lockFolder(folder)).release()
  })
})

describe('the embedded database in a folder', () => {
  it('refuses a second opening, and keeps its rows across a restart', async () => {
    const first = await openPglite(folder)
    await first.query("create table notes (note text); insert into notes values ('kept')")
    await expect(openPglite(folder)).rejects.toThrow(FolderInUse)
    await first.close()
    const second = await openPglite(folder)
    expect(await second.query('select note from notes', [])).toEqual([{ note: 'kept' }])
    await second.close()
  })
})
