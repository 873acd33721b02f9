import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, type Server } from './support/builders.ts'
import { connect, introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { request, serverId } from './support/values.ts'

const database = await testDatabase()
const record = (server: Pick<Server, 'server_id'>, p_proof: unknown, p_seen = 'what was seen') =>
  database.call('record_proof_check', { p_server_id: server.server_id, p_proof, p_seen, p_request: request })
const proofOf = async ({ server_id, caller }: Server) =>
  ((await database.call('read_server', { p_server_id: server_id, p_caller: caller })).server as Record<string, unknown>)
    .proof
const day = 86_400

test('proven: with the method, and failures are forgotten', async () => {
  const server = await addServer(database)
  await record(server, null)
  expect(await record(server, { method: 'dns' }, 'a record')).toEqual({ outcome: 'proven' })
  expect(await proofOf(server)).toEqual({ method: 'dns', seen: 'a record', checked_at_seconds: expect.any(Number) })
})

test('J11 failing: the owner is told once, and what was seen is kept', async () => {
  const { server, owner, caller } = await ownedServer(database)
  expect(await record(server, null)).toMatchObject({ outcome: 'failing', notice: { email: owner.email } })
  expect(await record(server, null, 'again')).not.toHaveProperty('notice')
  expect(await proofOf({ ...server, caller })).toMatchObject({
    seen: 'again',
    failing_since_seconds: expect.any(Number),
  })
  const [row] = await database.query(
    "select detail from mcp_data.audit_events where event = 'document.fetch_failed' limit 1",
  )
  expect(row).toEqual({ detail: { seen: 'what was seen' } })
})

test('J11 suspended: after seven failing days, with keys and connections', async () => {
  const { server, owner, caller } = await ownedServer(database)
  const key = await addKey(database, { ...server, caller })
  const person = await newPerson(database)
  await connect(database, person, server)
  await record(server, null)
  await database.query(
    "update mcp_data.servers set proof_failing_since = proof_failing_since - interval '6 days 23 hours'",
  )
  expect(await record(server, null)).toMatchObject({ outcome: 'failing' })
  await database.query("update mcp_data.servers set proof_failing_since = proof_failing_since - interval '1 hour'")
  expect(await record(server, null)).toEqual({ outcome: 'suspended', notice: { email: owner.email } })
  const rows = await database.query('select revoked_reason from mcp_data.connections where server_id = $1', [
    server.server_id,
  ])
  expect(rows).toEqual([{ revoked_reason: 'server_suspended' }])
  expect(await introspect(database, key, server, null)).toMatchObject({ reason: 'key_revoked' })
})

test('failing: one that waits for its proof keeps what was seen and is never suspended by it', async () => {
  const server = await addServer(database, {}, 'pending')
  expect(await record(server, null)).toEqual({ outcome: 'failing' })
  await database.passTime(30 * day)
  expect(await record(server, null)).toEqual({ outcome: 'failing' })
  expect(await proofOf(server)).toMatchObject({ seen: 'what was seen' })
})

test('J11 superseded: where a later look has begun, nothing is kept of this one, and nobody is told', async () => {
  const { server } = await ownedServer(database)
  await record(server, { method: 'document' }, 'good')
  await database.query('update mcp_data.servers set verification_begun_at = now() where server_id = $1', [
    server.server_id,
  ])
  const late = { p_seen: 'late', p_request: request, p_begun_at: new Date(Date.now() - 60_000).toISOString() }
  const before = await database.events()
  for (const p_proof of [null, { method: 'dns' }]) {
    const answer = await database.call('record_proof_check', { p_server_id: server.server_id, p_proof, ...late })
    expect(answer).toEqual({ outcome: 'superseded' })
  }
  expect(await database.events()).toEqual(before)
  const text = 'select proof_seen, proof_method, proof_failing_since from mcp_data.servers where server_id = $1'
  expect(await database.query(text, [server.server_id])).toEqual([
    { proof_seen: 'good', proof_method: 'document', proof_failing_since: null },
  ])
})

test('not_found: no server, and a deleted one', async () => {
  expect(await record({ server_id: serverId() }, null)).toEqual({ outcome: 'not_found' })
  const server = await addServer(database)
  await database.call('delete_server', { p_server_id: server.server_id, p_caller: server.caller })
  expect(await record(server, { method: 'document' })).toEqual({ outcome: 'not_found' })
})
