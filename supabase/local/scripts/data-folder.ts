import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockFolder } from '../src/folder-lock.ts'
import { makeWorkerSecrets, secretNames } from '../src/worker-secrets.ts'

export type DataFolder = {
  folder: string
  secrets: Readonly<Record<string, string>>
  release: () => Promise<void>
}

/** The folder cannot be ours. The message is one sentence for a person. */
export class WrongFolder extends Error {}

const jwtSecretName = 'JWT_SECRET'

/**
 * Takes the folder for this process and gives its secrets, made at the first start.
 * @throws FolderInUse, WrongFolder
 */
export async function openDataFolder(folder: string, reset: boolean): Promise<DataFolder> {
  await makePrivate(folder)
  const lock = await lockFolder(folder)
  try {
    if (reset) await empty(folder)
    return { folder, secrets: await readSecrets(join(folder, 'secrets.json')), release: lock.release }
  } catch (error) {
    await lock.release()
    throw error
  }
}

// What the first start leaves before anything else: without either, a folder that is not empty is somebody's.
const marks = ['secrets.json', '.lock']

async function makePrivate(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    const names = await readdir(folder)
    if (names.length === 0 || marks.some((name) => names.includes(name))) return await chmod(folder, 0o700)
  } catch (error) {
    throw new WrongFolder(`${folder} cannot be used (${error instanceof Error ? error.message : error}).`)
  }
  throw new WrongFolder(`${folder} holds something else: choose an empty folder, or one that is not there yet.`)
}

// Only what we make ourselves: a wrong --data must not cost anybody a folder.
const ownNames = ['database', 'worker', 'wrangler', 'secrets.json', 'worker.env', 'mailbox.json', 'example.json']

async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (ownNames.includes(name) || name.endsWith('.log')) await rm(join(folder, name), { recursive: true, force: true })
  }
}

async function readSecrets(file: string): Promise<Record<string, string>> {
  const kept = await readJson(file)
  const names = [...secretNames, jwtSecretName]
  if (names.every((name) => kept[name] !== undefined)) return kept
  const made = { ...(await makeWorkerSecrets()), [jwtSecretName]: randomBytes(32).toString('base64url') }
  const secrets = { ...made, ...kept }
  await writePrivate(file, JSON.stringify(secrets, null, 2))
  return secrets
}

/** Reads a flat JSON object of strings; a missing file is an empty one. */
export async function readJson(file: string): Promise<Record<string, string>> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, String(member)]))
}

/** Writes a file for our eyes only, the whole or nothing. */
export async function writePrivate(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, `${text}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}
