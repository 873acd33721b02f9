import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { addWebhook, recordMessage, takeMessages } from './support/webhooks.ts'

const database = await testDatabase()
const list = (p_server_id: string, p_caller: unknown) => database.call('list_webhooks', { p_server_id, p_caller })

test('found: with the last messages, how far each came and what was seen', async () => {
  const server = await addServer(database)
  const { webhook_id } = await addWebhook(database, server)
  await connect(database, await newPerson(database), server)
  const [message] = await takeMessages(database)
  await recordMessage(database, message?.message_id ?? '', false)
  expect(await list(server.server_id, server.caller)).toMatchObject({
    webhooks: [
      { webhook_id, messages: [{ type: 'connection.made', state: 'waiting', attempts: 1, seen: 'status 500' }] },
    ],
  })
})

test('J3 not_found, scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner } = await ownedServer(database)
  expect(await list(server.server_id, (await addServer(database)).caller)).toEqual({ outcome: 'not_found' })
  const writer = await ownerCaller(database, owner, ['servers:write'])
  expect(await list(server.server_id, writer)).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
  for (const [, stranger] of strangers)
    expect(await list(server.server_id, stranger)).toEqual({ outcome: 'caller_unknown' })
  expect(await list(server.server_id, sessionCaller({ cookie: '', session: '' }))).toEqual({ outcome: 'sign_in' })
})
