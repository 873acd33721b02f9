/** `npm run release -- prepare|check <tag>|rehearse [file …]|assemble <folder>`: see README.md in this folder. */
import { assemble } from './assemble.ts'
import { checkTag, prepareRelease } from './prepare.ts'
import { plannedRehearsal, rehearse } from './rehearse.ts'

const steps: Readonly<Record<string, (...args: string[]) => unknown>> = {
  prepare() {
    const version = prepareRelease(new Date().toISOString().slice(0, 10))
    console.log(`Version ${version} stands everywhere. Look at the changelog, commit, and tag the commit v${version}.`)
  },
  check(tag = '') {
    checkTag(tag)
    console.log(`${tag} is the version that stands everywhere.`)
  },
  async rehearse(...files) {
    process.exitCode = await rehearse(plannedRehearsal(), files, (text) => process.stdout.write(text))
  },
  async assemble(folder) {
    if (folder === undefined) throw new Error('Say into which folder: npm run release -- assemble <folder>')
    await assemble(folder)
    console.log(`The files of the release are in ${folder}.`)
  },
}

const [step = '', ...args] = process.argv.slice(2)
const usage = `npm run release -- ${Object.keys(steps).join('|')}: see release/README.md`
try {
  if (['--help', '-h'].includes(step)) {
    console.log(usage)
    process.exit(0)
  }
  if (!Object.hasOwn(steps, step)) throw new Error(`Say one of: ${Object.keys(steps).join(', ')}.`)
  await steps[step]?.(...args)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
