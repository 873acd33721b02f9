import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { accept, offer, ownedServer } from './support/offers.ts'
import { request } from './support/values.ts'
import { addWebhook, takeMessages } from './support/webhooks.ts'

const database = await testDatabase()
const remove = (p_server_id: string, p_webhook_id: string, p_caller: unknown) =>
  database.call('delete_webhook', { p_server_id, p_webhook_id, p_caller, p_request: request })

test('deleted: with what was on its way', async () => {
  const server = await addServer(database)
  const { webhook_id } = await addWebhook(database, server)
  await connect(database, await newPerson(database), server)
  expect(await remove(server.server_id, webhook_id, server.caller)).toEqual({ outcome: 'deleted' })
  expect(await takeMessages(database)).toEqual([])
  expect(await remove(server.server_id, webhook_id, server.caller)).toEqual({ outcome: 'not_found' })
})

test('handing a server over ends its webhooks: they would tell the former owner', async () => {
  const { server, caller } = await ownedServer(database)
  await addWebhook(database, { ...server, caller })
  const heir = await newPerson(database)
  await offer(database, server, heir.email, caller)
  await accept(database, server.server_id, sessionCaller(heir))
  expect(
    await database.call('list_webhooks', { p_server_id: server.server_id, p_caller: sessionCaller(heir) }),
  ).toEqual({
    outcome: 'found',
    webhooks: [],
  })
})

test('J4 not_found: of another server; scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner, caller } = await ownedServer(database)
  const theirs = await addServer(database)
  const { webhook_id } = await addWebhook(database, theirs)
  expect(await remove(server.server_id, webhook_id, caller)).toEqual({ outcome: 'not_found' })
  expect(await remove(theirs.server_id, webhook_id, caller)).toEqual({ outcome: 'not_found' })
  const reader = await ownerCaller(database, owner, ['servers:read'])
  expect(await remove(server.server_id, webhook_id, reader)).toEqual({
    outcome: 'scope_missing',
    scope: 'servers:write',
  })
  for (const [, stranger] of strangers)
    expect(await remove(server.server_id, webhook_id, stranger)).toEqual({ outcome: 'caller_unknown' })
  expect(await remove(server.server_id, webhook_id, sessionCaller({ cookie: '', session: '' }))).toEqual({
    outcome: 'sign_in',
  })
})
