// Makes a virtual environment, or says in a sentence why that is not possible.
//   node prepare-python.ts JSON
import { Sentence } from '../../../scripts/child.mjs'
import { preparePython } from '../../../scripts/python.mjs'

try {
  console.log(`ready: ${await preparePython({ env: process.env }, JSON.parse(process.argv[2] ?? ''))}`)
} catch (error) {
  console.error(error instanceof Sentence ? error.message : error)
  process.exitCode = 1
}
