import { execFileSync } from 'node:child_process'
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileRefused } from '../src/file-name.ts'
import { openSharedFolder, type SharedFolder } from '../src/shared-folder.ts'

let base: string
let root: string
let folder: SharedFolder

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'shared-folder-'))
  root = join(base, 'root')
  await mkdir(join(root, 'sub'), { recursive: true })
  await writeFile(join(base, 'secret.txt'), 'secret')
  await writeFile(join(root, 'a.txt'), 'a')
  folder = await openSharedFolder(root)
})
afterEach(() => rm(base, { recursive: true }))

const outside = [
  '../secret.txt',
  'sub/../../secret.txt',
  '/etc/passwd',
  '\\etc',
  'C:\\x',
  'c:/x',
  './a.txt',
  'sub/./a',
  'sub//a',
  'sub/',
  '..',
  '.',
  '',
  '.git/config',
  'a\0.txt',
  'a\n',
  'a\u202etxt',
  'a\\b',
  '~/x',
  '%2e%2e/x',
  'a:stream',
  'a.',
  'a ',
  ' a',
  'e\u0301.txt',
  `${'x'.repeat(201)}`,
  'ü'.repeat(128),
  'a/b/c/d/e/f/g/h/i',
  '\ud800',
  '*',
  'a?b',
  '../root/a.txt',
  '..\\secret.txt',
  'a\u2028b',
  'a\u200db',
  'CON',
  'sub/nul.txt',
  'com1',
  'Lpt9.tar.gz',
  'aux .md',
]

describe('the shared folder', () => {
  it.each(outside)('refuses to read, write or delete %j', async (name) => {
    await expect(folder.read(name)).rejects.toThrow(FileRefused)
    await expect(folder.write(name, 'x')).rejects.toThrow(FileRefused)
    await expect(folder.delete(name)).rejects.toThrow(FileRefused)
    expect(await readFile(join(base, 'secret.txt'), 'utf8')).toBe('secret')
    expect((await readdir(root)).sort()).toEqual(['a.txt', 'sub'])
  })

  it('does not follow a link to a file', async () => {
    await symlink(join(base, 'secret.txt'), join(root, 'link.txt'))
    await expect(folder.read('link.txt')).rejects.toThrow('There is no file link.txt.')
    await expect(folder.write('link.txt', 'x')).rejects.toThrow('link.txt exists and is no file.')
    await expect(folder.delete('link.txt')).rejects.toThrow('There is no file link.txt.')
    expect(await readFile(join(base, 'secret.txt'), 'utf8')).toBe('secret')
  })

  it('does not follow a link to a folder, and does not list what is behind it', async () => {
    await symlink(base, join(root, 'out'))
    await expect(folder.read('out/secret.txt')).rejects.toThrow('There is no folder for out/secret.txt.')
    await expect(folder.write('out/new.txt', 'x')).rejects.toThrow(FileRefused)
    await expect(folder.delete('out/secret.txt')).rejects.toThrow(FileRefused)
    expect(await readFile(join(base, 'secret.txt'), 'utf8')).toBe('secret')
    expect((await folder.list()).map((file) => file.name)).toEqual(['a.txt'])
  })

  it('does not read or delete a folder, a pipe, or a file that is not there', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')])
    for (const name of ['sub', 'pipe', 'nothing.txt']) {
      await expect(folder.read(name)).rejects.toThrow(`There is no file ${name}.`)
      await expect(folder.delete(name)).rejects.toThrow(`There is no file ${name}.`)
    }
    await expect(folder.write('pipe', 'x')).rejects.toThrow(FileRefused)
    await expect(folder.write('sub', 'x')).rejects.toThrow(FileRefused)
  })

  it('refuses huge files and huge texts, and leaves nothing behind', async () => {
    await writeFile(join(root, 'huge.txt'), 'x'.repeat(300_000))
    await expect(folder.read('huge.txt')).rejects.toThrow('huge.txt is larger than 262144 bytes.')
    await expect(folder.write('new.txt', 'é'.repeat(131_073))).rejects.toThrow('larger than 262144 bytes')
    expect((await readdir(root)).sort()).toEqual(['a.txt', 'huge.txt', 'sub'])
  })

  it('refuses to read what is no text', async () => {
    await writeFile(join(root, 'image.png'), new Uint8Array([0xff, 0xfe, 0x00]))
    await expect(folder.read('image.png')).rejects.toThrow('image.png is no text file.')
    await expect(folder.write('new.txt', '\ud800')).rejects.toThrow('The text is not valid Unicode.')
  })

  it('writes a new file and replaces an old one as a whole, without touching its other names', async () => {
    await link(join(root, 'a.txt'), join(base, 'same-file.txt'))
    await folder.write('a.txt', 'new')
    await folder.write('sub/Größe 2.txt', 'ü')
    expect(await folder.read('a.txt')).toBe('new')
    expect(await readFile(join(base, 'same-file.txt'), 'utf8')).toBe('a')
    expect(await folder.read('sub/Größe 2.txt')).toBe('ü')
    expect((await folder.list()).map((file) => file.name)).toEqual(['a.txt', 'sub/Größe 2.txt'])
  })

  it('deletes a file and nothing else', async () => {
    await folder.write('sub/b.txt', 'b')
    await folder.delete('sub/b.txt')
    await expect(folder.delete('sub/b.txt')).rejects.toThrow('There is no file sub/b.txt.')
    expect((await readdir(root)).sort()).toEqual(['a.txt', 'sub'])
  })
})
