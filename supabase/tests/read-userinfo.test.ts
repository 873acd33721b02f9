import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { approve, connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'

const database = await testDatabase()
const person = await newPerson(database)
const read = (p_connection_id: string, p_scope: string[] = ['openid', 'email'], p_epoch = 1) =>
  database.call('read_userinfo', { p_connection_id, p_epoch, p_scope })
const identity = { scope: ['openid', 'email', 'profile'], resource: undefined }

test('found: the person, with the scopes of the token that were granted (OpenID Connect Core §5.3)', async () => {
  const connectionId = await connect(database, person, { server_url: '' }, { ...identity, resource_candidates: [] })
  expect(await read(connectionId, ['openid', 'email', 'admin'])).toEqual({
    outcome: 'found',
    sub: person.account_id,
    scopes: ['openid', 'email'],
    email: person.email,
    email_verified: true,
  })
  await database.query('update mcp_data.accounts set name = $1 where account_id = $2', ['Ada', person.account_id])
  expect(await read(connectionId)).toMatchObject({ name: 'Ada' })
})

test('inactive: unknown, not redeemed, another epoch, ended', async () => {
  const server = await addServer(database)
  expect(await read('no-such-connection')).toEqual({ outcome: 'inactive', reason: 'connection_unknown' })
  expect(await read(await approve(database, person, server))).toEqual({
    outcome: 'inactive',
    reason: 'connection_unknown',
  })
  const connectionId = await connect(database, person, server, { scope: ['openid', 'files:read'] })
  expect(await read(connectionId)).toMatchObject({ outcome: 'found' })
  expect(await read(connectionId, ['openid'], 2)).toEqual({ outcome: 'inactive', reason: 'epoch_mismatch' })
  await database.query("update mcp_data.servers set status = 'suspended' where server_id = $1", [server.server_id])
  expect(await read(connectionId)).toEqual({ outcome: 'inactive', reason: 'server_unavailable' })
  const other = await connect(database, person, await addServer(database))
  await database.passTime(90 * 86_400 + 1)
  expect(await read(other)).toEqual({ outcome: 'inactive', reason: 'connection_expired' })
})
