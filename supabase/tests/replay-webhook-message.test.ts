import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { addWebhook, recordMessage, takeMessages } from './support/webhooks.ts'

const database = await testDatabase()

test('replayed: due at once under the same id, its tries begin anew', async () => {
  const server = await addServer(database)
  const { webhook_id } = await addWebhook(database, server)
  await connect(database, await newPerson(database), server)
  const [message] = await takeMessages(database)
  const p_message_id = message?.message_id ?? ''
  await recordMessage(database, p_message_id, true)
  const args = { p_server_id: server.server_id, p_webhook_id: webhook_id, p_message_id, p_caller: server.caller }
  expect(await database.call('replay_webhook_message', args)).toEqual({ outcome: 'replayed' })
  expect((await takeMessages(database)).map(({ message_id }) => message_id)).toEqual([p_message_id])
})

test('J4 not_found: of another server; scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner, caller } = await ownedServer(database)
  const theirs = await addServer(database)
  const { webhook_id } = await addWebhook(database, theirs)
  await connect(database, await newPerson(database), theirs)
  const [message] = await takeMessages(database)
  const replay = (p_server_id: string, p_caller: unknown) =>
    database.call('replay_webhook_message', {
      p_server_id,
      p_webhook_id: webhook_id,
      p_message_id: message?.message_id,
      p_caller,
    })
  expect(await replay(server.server_id, caller)).toEqual({ outcome: 'not_found' })
  expect(await replay(theirs.server_id, caller)).toEqual({ outcome: 'not_found' })
  const reader = await ownerCaller(database, owner, ['servers:read'])
  expect(await replay(server.server_id, reader)).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
  for (const [, stranger] of strangers)
    expect(await replay(server.server_id, stranger)).toEqual({ outcome: 'caller_unknown' })
  expect(await replay(server.server_id, sessionCaller({ cookie: '', session: '' }))).toEqual({ outcome: 'sign_in' })
})
