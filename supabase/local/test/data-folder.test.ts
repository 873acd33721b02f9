import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDataFolder, WrongFolder } from '../scripts/data-folder.ts'

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'data-folder-'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

const modeOf = async (folder: string) => (await stat(folder)).mode & 0o777

describe('the data folder of npm start', () => {
  it('is made where there is none, for our eyes only, and found again', async () => {
    const folder = join(parent, 'new', 'data')
    const first = await openDataFolder(folder, false)
    await first.release()
    const again = await openDataFolder(folder, false)
    await again.release()
    expect(again.secrets).toEqual(first.secrets)
    expect(await modeOf(folder)).toBe(0o700)
  })

  it('is never a folder of something else: neither its mode nor its files are touched', async () => {
    await chmod(parent, 0o755)
    await mkdir(join(parent, 'database'))
    await writeFile(join(parent, 'thesis.txt'), 'mine')
    await expect(openDataFolder(parent, true)).rejects.toThrow(WrongFolder)
    await expect(openDataFolder(parent, true)).rejects.toThrow(`${parent} holds something else`)
    expect(await modeOf(parent)).toBe(0o755)
    expect((await readdir(parent)).sort()).toEqual(['database', 'thesis.txt'])
  })

  it('tells in a sentence that it cannot be made', async () => {
    await writeFile(join(parent, 'file'), '')
    await expect(openDataFolder(join(parent, 'file', 'data'), false)).rejects.toThrow(WrongFolder)
  })
})
