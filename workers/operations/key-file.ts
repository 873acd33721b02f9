import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { readJson, writePrivate } from 'auth-agent-mcp-local/scripts/data-folder.ts'
import { Sentence } from './report.ts'

/** Where the Worker's secrets are kept so that they can be read again: Cloudflare never gives them back. */
export type KeyFile = {
  readonly name: string
  /** Nobody said which file. */
  readonly isNone?: true
  readonly read: () => Promise<Readonly<Record<string, string | undefined>>>
  readonly write: (variable: string, value: string) => Promise<void>
}

/** Chooses the file: that of `npm start`, or the environment file that was named. */
export function keyFileOf(envFile: string | undefined, dataFolder: string | undefined): KeyFile {
  if (dataFolder !== undefined) return startFolder(dataFolder)
  return envFile === undefined ? noFile() : environmentFile(envFile)
}

function noFile(): KeyFile {
  const refuse = () =>
    Promise.reject(new Sentence('Say where the secrets are kept: --env-file worker.env, or --data .data.'))
  return { name: 'no file', isNone: true, read: refuse, write: refuse }
}

/** @throws Sentence where there is no such file */
export function readEnvironmentFile(name: string): Promise<string> {
  return readFile(name, 'utf8').catch(() => {
    throw new Sentence(`${name} cannot be read.`)
  })
}

function environmentFile(name: string): KeyFile {
  const text = () => readEnvironmentFile(name)
  return {
    name,
    read: async () => parseEnv(await text()),
    write: async (variable, value) => {
      const before = await text()
      // Single quotes: every reader of such files takes what is between them as it is.
      const line = `${variable}='${value}'`
      const place = new RegExp(`^(?:export )?${variable}=.*$`, 'm')
      const after = place.test(before) ? before.replace(place, () => line) : `${before.trimEnd()}\n${line}`
      await writePrivate(name, after.trimEnd())
    },
  }
}

/** `npm start` makes the Worker's variables anew at each start; its secrets are kept, and a change counts at the next. */
function startFolder(folder: string): KeyFile {
  const name = join(folder, 'secrets.json')
  const variables = () =>
    readFile(join(folder, 'worker.env'), 'utf8').catch(() => {
      throw new Sentence(`${folder} is not the folder of a running npm start: it has no worker.env.`)
    })
  return {
    name,
    read: async () => ({ ...parseEnv(await variables()), ...(await readJson(name)) }),
    write: async (variable, value) =>
      writePrivate(name, JSON.stringify({ ...(await readJson(name)), [variable]: value }, null, 2)),
  }
}
