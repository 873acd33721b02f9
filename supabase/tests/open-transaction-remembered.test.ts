import { expect, test } from 'vitest'
import { addServer, decide, newPerson, open } from './support/builders.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { metadataClient, preRegistered } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const asked = { resource: server.server_url }
const proven = { ...asked, redirect_trust: 'proven', scope: ['files:read'] }

test('B14 approved: consent is remembered for the same account, client, redirect, resource and no wider scopes', async () => {
  const person = await newPerson(database)
  expect(await open(database, person, proven)).toMatchObject({ outcome: 'consent' })
  await connect(database, person, server, proven)
  expect(await open(database, person, proven)).toMatchObject({
    outcome: 'approved',
    redirect_uri: 'https://app.example/callback',
    state: 'st',
    scopes: ['files:read', 'base'],
  })
  const events = await database.query(
    "select reason from mcp_data.audit_events where event = 'consent.granted' order by occurred_at",
  )
  expect(events).toEqual([{ reason: null }, { reason: 'remembered' }])
  const other = await addServer(database)
  const variations = [
    { ...proven, scope: ['files:read', 'files:write'] },
    { ...proven, scope: ['files:read', 'openid'] },
    { ...proven, resource: other.server_url },
    { ...proven, redirect_uri: 'https://app.example/other' },
    { ...proven, redirect_trust: 'unproven' },
    { ...proven, prompt: ['consent'] },
    { ...proven, prompt: ['select_account'] },
  ]
  for (const variation of variations)
    expect(await open(database, person, variation)).toMatchObject({ outcome: 'consent' })
  const otherClient = { ...metadataClient, client_id: 'https://other.example/client.json' }
  expect(await open(database, person, proven, otherClient)).toMatchObject({ outcome: 'consent' })
  expect(await open(database, await newPerson(database), proven)).toMatchObject({ outcome: 'consent' })
})

test('B15 revoking the connection, or 30 days, forgets the consent; using it does not prolong it', async () => {
  const person = await newPerson(database)
  const connectionId = await connect(database, person, server, proven)
  await database.query('update mcp_data.sessions set expires_at = expires_at + $1::interval', ['60 days'])
  const stay = () => database.query('update mcp_data.sessions set last_used_at = now()')
  await database.passTime(29 * 86_400)
  await stay()
  expect(await open(database, person, proven)).toMatchObject({ outcome: 'approved' })
  await database.passTime(86_401)
  await stay()
  expect(await open(database, person, proven)).toMatchObject({ outcome: 'consent' })
  const again = await newPerson(database)
  const second = await connect(database, again, server, proven)
  await database.query(
    "update mcp_data.connections set revoked_at = now(), revoked_reason = 'test' where connection_id = any($1)",
    [[second, connectionId]],
  )
  expect(await open(database, again, proven)).toMatchObject({ outcome: 'consent' })
})

test('M12 B15 raising the issuer epoch forgets every consent with the connection that it made', async () => {
  const person = await newPerson(database)
  await connect(database, person, server, proven)
  expect(await open(database, person, proven)).toMatchObject({ outcome: 'approved' })
  await database.query('update mcp_data.settings set issuer_epoch = issuer_epoch + 1')
  expect(await open(database, person, proven)).toMatchObject({ outcome: 'consent' })
})

test('B14 consent given while the e-mail was not shared does not cover sharing it', async () => {
  const silent = await addServer(database, { share_email: false })
  const person = await newPerson(database)
  const request = { ...proven, resource: silent.server_url }
  await connect(database, person, silent, request)
  expect(await open(database, person, request)).toMatchObject({ outcome: 'approved' })
  await database.call('update_server', {
    p_server_id: silent.server_id,
    p_caller: silent.caller,
    p_changes: { share_email: true },
  })
  expect(await open(database, person, request)).toMatchObject({ outcome: 'consent' })
})

test('a step-up is one: more is asked for than this client at this server has, whatever its loopback port', async () => {
  const person = await newPerson(database)
  const loopback = (port: number) => ({
    ...asked,
    scope: ['files:read'],
    redirect_uri: `http://127.0.0.1:${port}/callback`,
  })
  await connect(database, person, server, loopback(50_001), preRegistered)
  const same = await open(database, person, loopback(50_002), preRegistered)
  expect(same).toMatchObject({ transaction: { step_up: false, connected_scopes: ['files:read', 'base'] } })
  const more = await open(database, person, { ...loopback(50_003), scope: ['files:write'] }, preRegistered)
  expect(more).toMatchObject({ outcome: 'consent', transaction: { step_up: true } })
  expect(await decide(database, person, more.id, { p_scopes: ['files:write'] })).toMatchObject({ outcome: 'approved' })
})
