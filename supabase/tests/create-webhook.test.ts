import { expect, test } from 'vitest'
import { addServer } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { digest } from './support/values.ts'
import { addWebhook } from './support/webhooks.ts'

const database = await testDatabase()

test('created: without a secret, which is nowhere stored', async () => {
  const answer = await addWebhook(database, await addServer(database))
  expect(answer).toMatchObject({
    outcome: 'created',
    webhook: { url: 'https://hooks.example/x', events: ['connection.made'] },
  })
  const columns = await database.query(
    "select column_name from information_schema.columns where table_name = 'webhooks'",
  )
  expect(columns.map(({ column_name }) => String(column_name)).filter((name) => /secret|digest/.test(name))).toEqual([])
})

test('created again: the same idempotency key and body give the same webhook and the key of its secret', async () => {
  const server = await addServer(database)
  const keyed = { key_digest: digest(server.server_id), body_digest: digest('body') }
  const first = await addWebhook(database, server, undefined, keyed)
  expect(first).toMatchObject({ outcome: 'created', kid: 'k1' })
  const again = await addWebhook(database, server, undefined, keyed)
  expect(again).toMatchObject({ replayed: true, webhook: first.webhook, kid: 'k1' })
  const other = await addWebhook(database, server, undefined, { ...keyed, body_digest: digest('another') })
  expect(other.outcome).toBe('idempotency_mismatch')
  await database.query('delete from mcp_data.webhooks where webhook_id = $1', [first.webhook_id])
  expect((await addWebhook(database, server, undefined, keyed)).outcome).toBe('not_found')
})

test('J24 limited: the sixth, also of many at once', async () => {
  const server = await addServer(database)
  const answers = await Promise.all(Array.from({ length: 8 }, () => addWebhook(database, server)))
  expect(answers.filter(({ outcome }) => outcome === 'created')).toHaveLength(5)
  expect(answers.find(({ outcome }) => outcome === 'limited')).toMatchObject({ reason: 'webhooks' })
})

test('J3 not_found, scope_missing, caller_unknown, sign_in and not_fresh', async () => {
  const { server, owner } = await ownedServer(database)
  const as = async (caller: unknown) => (await addWebhook(database, { ...server, caller })).outcome
  expect(await as((await addServer(database)).caller)).toBe('not_found')
  expect(await as(await ownerCaller(database, owner, ['servers:read']))).toBe('scope_missing')
  for (const [, stranger] of strangers) expect(await as(stranger)).toBe('caller_unknown')
  expect(await as(sessionCaller({ cookie: '', session: '' }))).toBe('sign_in')
  await database.query("update mcp_data.sessions set auth_time = auth_time - interval '1 hour'")
  expect(await as(sessionCaller(owner, 900))).toBe('not_fresh')
})
