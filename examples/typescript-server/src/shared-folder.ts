import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, readdir, realpath, rename, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { FileRefused, parseFileName } from './file-name.ts'

export type ListedFile = { name: string; size_bytes: number; modified_at: string }

/** A folder that cannot be left: not by name, and not by a link that lies in it. */
export type SharedFolder = {
  list: () => Promise<ListedFile[]>
  read: (name: string) => Promise<string>
  write: (name: string, text: string) => Promise<void>
  delete: (name: string) => Promise<void>
}

const MAX_FILE_BYTES = 262_144
const MAX_FILES = 1_000

/** @throws when there is no such folder */
export async function openSharedFolder(folder: string): Promise<SharedFolder> {
  const root = await realpath(folder)
  return {
    list: () => listFiles(root),
    read: (name) => readText(root, name),
    write: (name, text) => writeText(root, name, text),
    delete: (name) => deleteFile(root, name),
  }
}

async function listFiles(root: string): Promise<ListedFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const listed: ListedFile[] = []
  for (const entry of entries) {
    if (!entry.isFile()) continue // links, sockets and devices are not shown, and not followed
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(root.length + 1).replaceAll('\\', '/')
    if (!isListable(name)) continue
    const { size, mtime } = await lstat(path)
    listed.push({ name, size_bytes: size, modified_at: mtime.toISOString() })
    if (listed.length === MAX_FILES) break
  }
  return listed.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function isListable(name: string): boolean {
  try {
    parseFileName(name)
    return true
  } catch {
    return false // a file that could not be read either
  }
}

async function readText(root: string, name: string): Promise<string> {
  const path = await locate(root, name)
  if ((await kindOf(path)) !== 'file') throw new FileRefused(`There is no file ${name}.`)
  // O_NOFOLLOW: should the file be exchanged for a link this moment, opening fails. O_NONBLOCK: a pipe cannot hang us.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined)
  if (file === undefined) throw new FileRefused(`There is no file ${name}.`)
  try {
    const { size } = await file.stat()
    if (size > MAX_FILE_BYTES) throw new FileRefused(`${name} is larger than ${MAX_FILE_BYTES} bytes.`)
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile())
  } catch (error) {
    throw error instanceof TypeError ? new FileRefused(`${name} is no text file.`) : error
  } finally {
    await file.close()
  }
}

async function writeText(root: string, name: string, text: string): Promise<void> {
  const path = await locate(root, name)
  if (!text.isWellFormed()) throw new FileRefused('The text is not valid Unicode.')
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes > MAX_FILE_BYTES) throw new FileRefused(`The text is larger than ${MAX_FILE_BYTES} bytes.`)
  const kind = await kindOf(path)
  if (kind === 'other') throw new FileRefused(`${name} exists and is no file.`)
  if (kind === 'nothing' && (await listFiles(root)).length >= MAX_FILES) throw new FileRefused('The folder is full.')
  // Written beside and renamed: renaming replaces a link instead of following it, and nobody reads half a file.
  const beside = join(root, `.${randomUUID()}.part`)
  const file = await open(beside, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.close()
    await rename(beside, path)
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(beside, { force: true })
    throw error
  }
}

async function deleteFile(root: string, name: string): Promise<void> {
  const path = await locate(root, name)
  if ((await kindOf(path)) !== 'file') throw new FileRefused(`There is no file ${name}.`)
  // Should it be exchanged for a link this moment, the link goes and not what it points to.
  await unlink(path)
}

/** The path of a name whose folder really lies where the name says: no part of it is a link. */
async function locate(root: string, name: string): Promise<string> {
  const parts = parseFileName(name)
  const folder = join(root, ...parts.slice(0, -1))
  const real = await realpath(folder).catch(() => undefined)
  if (real !== folder) throw new FileRefused(`There is no folder for ${name}.`)
  return join(folder, parts.at(-1) ?? '')
}

async function kindOf(path: string): Promise<'file' | 'nothing' | 'other'> {
  const status = await lstat(path).catch(() => undefined)
  if (status === undefined) return 'nothing'
  return status.isFile() ? 'file' : 'other'
}
