import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export const source = join(import.meta.dirname, '..')
const tools = join(source, '../../node_modules/.bin')
const env = { ...process.env, PATH: `${tools}${delimiter}${process.env.PATH}` }

/** Runs a program of the workspace, or of the machine, and gives what it prints. */
export function runIn(folder: string, command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: folder, env, encoding: 'utf8', maxBuffer: 16_777_216 })
}

export type Packed = { filename: string; files: { path: string }[] }

/** Built and packed aside, in a folder of one's own: `dist` may be in use by somebody who runs the example. */
export function packSdk(folder: string): Packed {
  runIn(folder, 'tsc', '-p', join(source, 'tsconfig.build.json'), '--outDir', join(folder, 'dist'))
  for (const name of ['package.json', 'README.md', 'LICENSE']) copyFileSync(join(source, name), join(folder, name))
  return JSON.parse(runIn(folder, 'npm', 'pack', '--json', '--ignore-scripts', '--loglevel=silent'))[0]
}
