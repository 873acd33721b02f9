import { expect, test } from 'vitest'
import { readMigrations } from '../local/src/migrations.ts'
import { openPool } from '../local/src/pool.ts'
import { testDatabase } from './support/database.ts'

const database = await testDatabase()

test('ready: the schema version is that of the newest migration', async () => {
  const newest = (await readMigrations()).at(-1)
  expect(await database.call('read_readiness', {})).toEqual({
    outcome: 'ready',
    schema_version: newest?.version,
    takes_changes: true,
  })
})

test('ready: says where the server takes no changes, whatever the transaction may do', async () => {
  const backend = openPool(database.url, 1)
  try {
    const ask = async () => (await backend.query('select mcp.read_readiness() as answer'))[0]?.answer
    await backend.query('set transaction_read_only = on')
    expect(await ask()).toMatchObject({ takes_changes: true })
    await backend.query('set default_transaction_read_only = on')
    expect(await ask()).toMatchObject({ takes_changes: false })
  } finally {
    await backend.close()
  }
})
