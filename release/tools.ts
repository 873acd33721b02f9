import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { preparePython } from '../scripts/python.mjs'
import { root } from '../scripts/setup.mjs'

const folder = join(root, 'release')

/** The folder of the programs that `requirements.txt` of this folder locks, made where it is missing. */
export async function prepareTools(): Promise<string> {
  const python = await preparePython({ env: process.env }, { folder, requirements: join(folder, 'requirements.txt') })
  return join(python, '..')
}

/** Runs a program in the repository's folder and gives what it prints; rejects where it fails. */
export async function run(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: root, maxBuffer: 33_554_432 })
  return stdout
}
