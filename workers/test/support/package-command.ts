import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const packages = join(import.meta.dirname, '../../node_modules')

/** How to run a command of an installed package, as `npx` would, but surely with the Node of this run. */
export function commandOf(packageName: string, name: string): { readonly command: string; readonly script: string } {
  const folder = join(packages, packageName)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  const script = bin[name]
  if (script === undefined) throw new Error(`${packageName} has no command ${name}`)
  return { command: process.execPath, script: join(folder, script) }
}
