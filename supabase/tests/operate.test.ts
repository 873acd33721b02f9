import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { connect, introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { eventsOf, operate } from './support/operator.ts'

const database = await testDatabase()

test('unknown_command, unknown_mode', async () => {
  expect(await operate(database, 'drop_everything')).toEqual({ outcome: 'unknown_command' })
  expect(await operate(database, 'raise_epoch', {}, 'perhaps')).toEqual({ outcome: 'unknown_mode' })
})

test('a command that is only tried gives its whole answer and leaves nothing behind, not even its event', async () => {
  const [before] = await database.query('select issuer_epoch from mcp_data.settings')
  const tried = await operate(database, 'raise_epoch', { reason: 'drill' }, 'try')
  expect(tried).toEqual({
    outcome: 'raised',
    issuer_epoch: Number(before?.issuer_epoch) + 1,
    connections: 0,
    tried: true,
  })
  expect(await database.query('select issuer_epoch from mcp_data.settings')).toEqual([before])
  expect(await eventsOf(database, 'operator.epoch_raised')).toEqual([])
})

test('a command that fails leaves no event of a change that was not made', async () => {
  await expect(
    operate(database, 'add_client', { client_id: '', client_name: 'x', redirect_uris: ['https://a.example/'] }),
  ).rejects.toThrow('clients_client_id_is_short')
  expect(await eventsOf(database, 'operator.client_added')).toEqual([])
})

test('M5 M12 raised: every connection is dead at its next use, and the event says how many and who did it', async () => {
  const person = await newPerson(database)
  const server = await addServer(database)
  const key = await addKey(database, server)
  const connection_id = await connect(database, person, server)
  expect(await introspect(database, key, server, connection_id)).toMatchObject({ outcome: 'active' })
  const answer = await operate(database, 'raise_epoch', { reason: 'restored from a backup' })
  expect(answer).toMatchObject({ outcome: 'raised', connections: 1 })
  expect(await introspect(database, key, server, connection_id)).toMatchObject({ outcome: 'inactive' })
  expect(await eventsOf(database, 'operator.epoch_raised')).toMatchObject([
    { reason: 'restored from a backup', detail: { connections: 1 }, user_agent: 'ops by alice' },
  ])
})
