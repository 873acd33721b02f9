import { expect, test } from 'vitest'
import { testDatabase } from './support/database.ts'
import { operate } from './support/operator.ts'

const database = await testDatabase()

test('read: both switches, as they stand now', async () => {
  expect(await database.call('read_switches', {})).toEqual({ outcome: 'read', registration: true, documents: true })
  await operate(database, 'turn_switch', { switch: 'documents', state: 'off' })
  expect(await database.call('read_switches', {})).toEqual({ outcome: 'read', registration: true, documents: false })
})
