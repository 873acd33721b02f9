import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { connect, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { digest, metadataClient, request } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const key = await addKey(database, server)
const person = await newPerson(database)
const revoke = (connectionId: string, changes: Record<string, unknown> = {}) =>
  database.call('revoke_token', {
    p_client_id: metadataClient.client_id,
    p_connection_id: connectionId,
    p_refresh_digests: [digest(`refresh ${connectionId} 1`)],
    p_generation: 1,
    p_request: request,
    ...changes,
  })
const isActive = async (connectionId: string) =>
  (await introspect(database, key, server, connectionId)).outcome === 'active'

test('I3 revoked: a refresh token ends the connection, access tokens at once (RFC 7009 §2.1)', async () => {
  const connectionId = await connect(database, person, server)
  expect(await revoke(connectionId)).toEqual({ outcome: 'revoked' })
  expect(await isActive(connectionId)).toBe(false)
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
  const events = await database.query('select event, reason from mcp_data.audit_events where connection_id = $1', [
    connectionId,
  ])
  expect(events).toContainEqual({ event: 'connection.revoked', reason: 'token_revoked' })
})

test('I3 revoked: an access token ends the connection too', async () => {
  const connectionId = await connect(database, person, server)
  expect(await revoke(connectionId, { p_refresh_digests: null, p_generation: null })).toEqual({ outcome: 'revoked' })
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
})

test('revoked: a predecessor that was genuine is enough', async () => {
  const connectionId = await connect(database, person, server)
  await refresh(database, connectionId, 1)
  expect(await revoke(connectionId)).toEqual({ outcome: 'revoked' })
})

test('I1 nothing: the token of another client', async () => {
  const connectionId = await connect(database, person, server)
  expect(await revoke(connectionId, { p_client_id: 'client_claude_code' })).toEqual({ outcome: 'nothing' })
  expect(await isActive(connectionId)).toBe(true)
})

test('I2 nothing: an invented token, filter text, twice', async () => {
  const connectionId = await connect(database, person, server)
  expect(await revoke(connectionId, { p_refresh_digests: [digest('guess')] })).toEqual({ outcome: 'nothing' })
  expect(await revoke(connectionId, { p_refresh_digests: [], p_generation: null })).toEqual({ outcome: 'nothing' })
  expect(await revoke('x,revoked.is.false')).toEqual({ outcome: 'nothing' })
  expect(await isActive(connectionId)).toBe(true)
  await revoke(connectionId)
  expect(await revoke(connectionId)).toEqual({ outcome: 'nothing' })
})
