import { expect, test } from 'vitest'
import { addKey, addServer } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { addWebhook, takeMessages } from './support/webhooks.ts'

const database = await testDatabase()
type Taken = { key_id: string; server_id: string; expires_at_seconds: number; notice?: { email: string } }
const take = async (p_limit = 50) => (await database.call('take_expiring_keys', { p_limit })).keys as Taken[]
const daySeconds = 86_400

test('taken: a key that ends within a week, once, with whom to tell; its webhook hears of it too', async () => {
  const { server, owner, caller } = await ownedServer(database)
  const owned = { ...server, caller }
  await addWebhook(database, owned, ['key.expiring'])
  const { key_id } = await addKey(database, owned, { expires_in_seconds: daySeconds })
  await addKey(database, owned, { expires_in_seconds: 8 * daySeconds })
  await addKey(database, owned)
  const keys = await take()
  expect(keys).toEqual([
    { key_id, server_id: server.server_id, expires_at_seconds: expect.any(Number), notice: { email: owner.email } },
  ])
  const [message] = await takeMessages(database)
  expect(message?.payload).toMatchObject({
    type: 'key.expiring',
    data: { server_id: server.server_id, key_id, expires_at_seconds: keys[0]?.expires_at_seconds },
  })
  expect(await take()).toEqual([])
})

test('taken: none that is revoked or has ended already; nobody to tell where no account owns the server', async () => {
  const server = await addServer(database)
  const revoked = await addKey(database, server, { expires_in_seconds: daySeconds })
  await database.call('revoke_key', {
    p_server_id: server.server_id,
    p_key_id: revoked.key_id,
    p_caller: server.caller,
  })
  const ended = await addKey(database, server, { expires_in_seconds: daySeconds })
  await database.query(
    "update mcp_data.server_keys set created_at = now() - interval '2 days', expires_at = now() - interval '1 second' where key_id = $1",
    [ended.key_id],
  )
  const { key_id } = await addKey(database, server, { expires_in_seconds: daySeconds })
  const [key, ...others] = await take()
  expect(others).toEqual([])
  expect(key).toMatchObject({ key_id })
  expect(key).not.toHaveProperty('notice')
})

test('taken: each by one of many runs at once, the first to end first', async () => {
  const server = await addServer(database)
  const ids: string[] = []
  for (let day = 6; day > 0; day -= 1) {
    ids.unshift((await addKey(database, server, { expires_in_seconds: day * daySeconds })).key_id)
  }
  const runs = await Promise.all([take(2), take(2), take(2)])
  const taken = [...runs.flat(), ...(await take())].map(({ key_id }) => key_id)
  expect(taken.toSorted()).toEqual(ids.toSorted())
})
