import { expect, test } from 'vitest'
import { readMigrations } from '../local/src/migrations.ts'
import { testDatabase } from './support/database.ts'

const database = await testDatabase()

test('ready: the schema version is that of the newest migration', async () => {
  const newest = (await readMigrations()).at(-1)
  expect(await database.call('read_readiness', {})).toEqual({ outcome: 'ready', schema_version: newest?.version })
})
