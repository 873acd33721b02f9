import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { connect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { addWebhook, takeMessages } from './support/webhooks.ts'

const database = await testDatabase()

test('taken: what a webhook wants and no more, with ids and no person', async () => {
  const server = await addServer(database)
  await addWebhook(database, server, ['theft.suspected'])
  const person = await newPerson(database)
  const connectionId = await connect(database, person, server)
  await refresh(database, connectionId, 1)
  await refresh(database, connectionId, 2)
  await refresh(database, connectionId, 1)
  const [message, ...others] = await takeMessages(database)
  expect(others).toEqual([])
  expect(message?.payload).toEqual({
    type: 'theft.suspected',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    data: { server_id: server.server_id, client_id: expect.any(String), connection_id: connectionId, reason: 'older' },
  })
})

test('M8 taken: one owner’s backlog does not keep another’s message waiting', async () => {
  await database.query('delete from mcp_data.webhook_messages')
  const flooder = await newPerson(database)
  const flooded = await Promise.all([1, 2].map(() => ownedServer(database, {}, flooder)))
  const quiet = await addServer(database)
  const person = await newPerson(database)
  for (const { server, caller } of flooded) {
    await addWebhook(database, { ...server, caller })
    for (let count = 0; count < 4; count += 1) await connect(database, person, server)
  }
  await addWebhook(database, quiet)
  await connect(database, person, quiet)
  const servers = (await takeMessages(database, 2)).map(({ payload }) => (payload as { data: object }).data)
  expect(servers).toContainEqual(expect.objectContaining({ server_id: quiet.server_id }))
})

test('taken: each by one of many runs at once, and again after five minutes when that run died', async () => {
  await database.query('delete from mcp_data.webhook_messages')
  const server = await addServer(database)
  await addWebhook(database, server)
  const person = await newPerson(database)
  for (let count = 0; count < 6; count += 1) await connect(database, person, server)
  const runs = await Promise.all(Array.from({ length: 6 }, () => takeMessages(database, 2)))
  const ids = runs.flat().map(({ message_id }) => message_id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(await takeMessages(database, 50)).toHaveLength(6 - ids.length)
  await database.passTime(301)
  expect(await takeMessages(database, 50)).toHaveLength(6)
})
