import { readFile, writeFile } from 'node:fs/promises'
import { relative } from 'node:path'

/** Writes a generated file; with --check on the command line it only says, by exit status 1, whether it is stale. */
export async function writeOrCheck(path: string, text: string, command: string): Promise<void> {
  const name = relative(`${import.meta.dirname}/../../..`, path)
  const current = await readFile(path, 'utf8').catch(() => undefined)
  if (current === text) {
    console.log(`${name} is up to date.`)
    return
  }
  if (process.argv.includes('--check')) {
    console.error(`${name} is stale: run \`${command}\` and commit the result.`)
    process.exitCode = 1
    return
  }
  await writeFile(path, text)
  console.log(`${name} is written.`)
}
