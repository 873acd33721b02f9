import { join } from 'node:path'
import { type PythonEnvironment, pythonExample } from '../../../scripts/python.mjs'
import { startGuarded } from './guarded-process.ts'
import { root } from './root.ts'

export const exampleLanguages = ['typescript', 'python'] as const

/** The examples are twins: the same URL, tools, scopes and words in each language. */
export type ExampleLanguage = (typeof exampleLanguages)[number]

export type ExampleProgram = { folder: string; command: readonly string[] }

/** The example cannot be had. The message is for a person. */
export class ExampleFailed extends Error {}

const folders: Readonly<Record<ExampleLanguage, string>> = {
  typescript: join(root, 'examples/typescript-server'),
  python: join(root, 'examples/filesystem-server'),
}

/** The files that an example shares when nobody names others. */
export function sampleFilesOf(language: ExampleLanguage): string {
  return join(folders[language], 'files')
}

/** Ends something that was started. */
export type Closer = () => Promise<unknown>

/**
 * How an example is started, after making what it needs. What has to be ended when somebody interrupts that is added
 * to `closers`.
 * @throws ExampleFailed
 */
export async function prepareExample(
  language: ExampleLanguage,
  logFile: string,
  closers: Closer[],
): Promise<ExampleProgram> {
  const folder = folders[language]
  if (language === 'typescript') return { folder, command: [process.execPath, join(folder, 'src/index.ts')] }
  const python = await makePythonEnvironment(pythonExample, logFile, closers)
  return { folder, command: [python, '-m', 'filesystem_server'] }
}

/**
 * Makes a virtual environment in a process of its own, because pip would go on when somebody interrupts us; gives the
 * path of its Python.
 * @throws ExampleFailed
 */
export async function makePythonEnvironment(
  environment: PythonEnvironment,
  logFile: string,
  closers: Closer[],
): Promise<string> {
  const making = startGuarded({
    command: [process.execPath, join(import.meta.dirname, 'prepare-python.ts'), JSON.stringify(environment)],
    cwd: root,
    env: {},
    logFile,
  })
  closers.push(making.stop)
  await making.ended
  const said = making.lastLines()
  const python = /^ready: (.+)$/m.exec(said)?.[1]
  if (python === undefined) throw new ExampleFailed(`The Python example cannot be started.\n${withoutProgress(said)}`)
  return python
}

function withoutProgress(said: string): string {
  const lines = said.split('\n').filter((line) => !line.startsWith('  … '))
  return lines.join('\n').trim()
}
