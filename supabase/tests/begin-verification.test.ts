import { expect, test } from 'vitest'
import { addServer, newPerson, open } from './support/builders.ts'
import { ownerCaller, strangers } from './support/callers.ts'
import { atOneMoment, testDatabase } from './support/database.ts'
import { request, serverId } from './support/values.ts'

const database = await testDatabase()
const pending = (server_url?: string) => addServer(database, server_url === undefined ? {} : { server_url }, 'pending')
const begin = (
  p_server_id: string | null,
  p_caller: Record<string, unknown> | null,
  p_server_url: string | null = null,
  where = database,
) => where.call('begin_verification', { p_server_id, p_server_url, p_caller, p_request: request })

test('due and too_soon: an owner may try once a minute', async () => {
  const server = await pending()
  expect(await begin(server.server_id, server.caller)).toEqual({
    outcome: 'due',
    server_url: server.server_url,
    begun_at: expect.any(String) as string,
  })
  expect(await begin(server.server_id, server.caller)).toMatchObject({ outcome: 'too_soon' })
  await database.passTime(61)
  expect(await begin(server.server_id, server.caller)).toMatchObject({ outcome: 'due' })
})

test('too_soon: an authorization counts for everybody who waits for the URL', async () => {
  const server = await pending()
  await pending(server.server_url)
  await atOneMoment(database, async (still) => {
    expect(await begin(null, null, server.server_url, still)).toMatchObject({ outcome: 'due' })
    await still.passTime(20)
    expect(await begin(null, null, server.server_url, still)).toEqual({ outcome: 'too_soon', retry_after_seconds: 40 })
  })
})

test('due: a claimant that asks all the time keeps nobody else from the proof', async () => {
  const server = await pending()
  const claimant = await pending(server.server_url)
  expect(await begin(claimant.server_id, claimant.caller)).toMatchObject({ outcome: 'due' })
  expect(await begin(null, null, server.server_url)).toMatchObject({ outcome: 'due' })
  expect(await begin(server.server_id, server.caller)).toMatchObject({ outcome: 'due' })
})

test('due: a try at an authorization is one of all that wait, and of nobody else', async () => {
  const one = await pending()
  const two = await pending(one.server_url)
  const lost = await pending(one.server_url)
  await begin(lost.server_id, lost.caller)
  await database.query(
    "update mcp_data.servers set status = 'suspended', suspended_reason = 'taken_over' where server_id = $1",
    [lost.server_id],
  )
  const { begun_at } = await begin(null, null, one.server_url)
  const text = `select server_id from mcp_data.servers where server_url = $1 and verification_begun_at = $2::timestamptz
    order by created_at`
  const rows = await database.query(text, [one.server_url, begun_at])
  expect(rows.map(({ server_id }) => server_id)).toEqual([one.server_id, two.server_id])
})

test('verified: nothing is left to prove', async () => {
  const server = await addServer(database)
  expect(await begin(server.server_id, server.caller)).toMatchObject({
    outcome: 'verified',
    server: { server_id: server.server_id },
  })
  expect(await begin(null, null, server.server_url)).toEqual({ outcome: 'not_found' })
})

test('J10 due: whoever holds the URL learns of each claimant, once', async () => {
  const holder = await addServer(database)
  const claimant = await pending(holder.server_url)
  const contested = async () =>
    database.query(
      "select detail from mcp_data.audit_events where event = 'server.contested' and server_id = $1 order by occurred_at",
      [holder.server_id],
    )
  expect(await begin(claimant.server_id, claimant.caller)).toMatchObject({ outcome: 'due' })
  await database.passTime(61)
  expect(await begin(claimant.server_id, claimant.caller)).toMatchObject({ outcome: 'due' })
  expect(await contested()).toEqual([{ detail: { by: claimant.server_id } }])
  const free = await pending()
  await begin(free.server_id, free.caller)
  expect(await contested()).toHaveLength(1)
})

test('suspended: what an operator suspended is not proven back', async () => {
  const server = await pending()
  await database.query(
    "update mcp_data.servers set status = 'suspended', suspended_reason = 'operator' where server_id = $1",
    [server.server_id],
  )
  expect(await begin(server.server_id, server.caller)).toEqual({ outcome: 'suspended' })
})

test('J3 not_found: an invented server, and another owner’s', async () => {
  const server = await pending()
  const stranger = await ownerCaller(database, await newPerson(database))
  expect(await begin(serverId(), stranger)).toEqual({ outcome: 'not_found' })
  expect(await begin(server.server_id, stranger)).toEqual({ outcome: 'not_found' })
})

test.each(strangers)('caller_unknown: %s', async (_name, caller) => {
  const server = await pending()
  expect(await begin(server.server_id, caller)).toEqual({ outcome: 'caller_unknown' })
})

test('scope_missing: an owner’s token without servers:write', async () => {
  const server = await pending()
  const reader = await ownerCaller(database, await newPerson(database), ['servers:read'])
  expect(await begin(server.server_id, reader)).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
})

test('J8 an authorization for an unproven server names the URL to be tried', async () => {
  const server = await pending()
  expect(await open(database, await newPerson(database), { resource: server.server_url })).toMatchObject({
    outcome: 'invalid_target',
    reason: 'resource_unverified',
    server_url: server.server_url,
  })
})

test('J11 due: a holder whose proof fails may show at once that it is mended', async () => {
  const server = await addServer(database)
  await database.query("update mcp_data.servers set proof_method = 'document' where server_id = $1", [server.server_id])
  const seen = { p_server_id: server.server_id, p_proof: null, p_seen: 'status 404', p_request: request }
  await database.call('record_proof_check', seen)
  expect(await begin(server.server_id, server.caller)).toMatchObject({ outcome: 'due' })
  // An authorization looks for a registration that waits; this one does not.
  expect(await begin(null, null, server.server_url)).toEqual({ outcome: 'not_found' })
  const p_proof = { method: 'dns', named: [server.server_id], seen: 'the record' }
  const finished = await database.call('finish_verification', {
    p_server_id: server.server_id,
    p_server_url: server.server_url,
    p_proof,
    p_request: request,
  })
  expect(finished).toMatchObject({
    outcome: 'verified',
    server: { status: 'verified', proof: { method: 'dns', seen: 'the record' } },
  })
  expect((finished.server as { proof: object }).proof).not.toHaveProperty('failing_since_seconds')
  await database.passTime(61)
  expect(await begin(server.server_id, server.caller)).toMatchObject({ outcome: 'verified' })
})
