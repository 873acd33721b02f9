import { describe, it } from 'vitest'
import { adapters } from './adapters.ts'
import { loadContract, runCase } from './run-contract.ts'

const { standard, files } = loadContract(new URL('../../contract/', import.meta.url))

describe.each(adapters)('$name', (adapter) => {
  for (const { name, cases } of files) {
    describe(`contract ${name}`, () => {
      it.each(cases.map((contract) => [contract.name, contract] as const))('%s', async (_, contract) => {
        await runCase(adapter, contract, standard)
      })
    })
  }
})
