import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8')

/** The code block of this language that holds this text, as it stands on the page. */
export function readmeBlock(language: string, text: string): string {
  const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
  const found = blocks.find(([, named, body]) => named === language && body?.includes(text))
  if (found?.[2] === undefined) throw new Error(`README.md has no ${language} block with ${text}`)
  return found[2]
}

/** Runs a command of the page and reads its answer. */
export async function runCurl(command: string): Promise<Record<string, string>> {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command])
  return JSON.parse(stdout) as Record<string, string>
}
