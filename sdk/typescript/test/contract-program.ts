/** Runs every case of the contract through every adapter; for a Node that no test framework runs on any more. */
import { pathToFileURL } from 'node:url'
import { type Adapter, adapters } from './adapters.ts'
import { loadContract, runCase } from './run-contract.ts'

const isHashedAtOnce = 'getBuiltinModule' in process

let hashing = 0
const digest = crypto.subtle.digest.bind(crypto.subtle)
crypto.subtle.digest = async (...given) => {
  hashing += 1
  return digest(...given).finally(() => {
    hashing -= 1
  })
}

async function allHashed(): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve))
  while (hashing > 0)
}

/** Before Node 20.16 a token is hashed on other threads: its request has come when that is over. */
function whereHashingTakesTime(adapter: Adapter): Adapter {
  const start: Adapter['start'] = async (options, handler) => {
    const served = await adapter.start(options, handler)
    return { ...served, arrived: (count) => served.arrived(count).then(allHashed) }
  }
  return isHashedAtOnce ? adapter : { ...adapter, start }
}

const { standard, files } = loadContract(pathToFileURL(`${process.argv[2]}/`))
const failed: string[] = []
let passed = 0
for (const adapter of adapters.map(whereHashingTakesTime)) {
  for (const contract of files.flatMap(({ cases }) => cases)) {
    await runCase(adapter, contract, standard).then(
      () => {
        passed += 1
      },
      (error: unknown) => failed.push(`${adapter.name}: ${contract.name}: ${error}`),
    )
  }
}
console.log(JSON.stringify({ node: process.versions.node, passed, failed }))
