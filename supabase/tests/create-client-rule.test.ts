import { expect, test } from 'vitest'
import { addKey, addServer, newBrowser, newPerson, open, type Server } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { addRule } from './support/client-rules.ts'
import { approve, connect, exchange, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { metadataClient, preRegistered } from './support/values.ts'

const database = await testDatabase()
const dynamic = {
  client_id: 'dcr_k1.x.y',
  client_name: 'Loose',
  kind: 'dynamic',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['https://loose.example/callback'],
}
const clients = [metadataClient, preRegistered, dynamic]
const redirects = ['https://app.example/callback', 'http://localhost/callback', 'https://loose.example/callback']

/** Which of the three clients may come to a server. */
async function welcome(server: Server): Promise<string[]> {
  const names: string[] = []
  for (const [index, client] of clients.entries()) {
    const asked = { resource: server.server_url, redirect_uri: redirects[index] }
    const { outcome } = await open(database, newBrowser(), asked, client)
    if (outcome === 'sign_in') names.push(client.client_name)
    else expect(outcome).toBe('unauthorized_client')
  }
  return names
}
const policy = (server: Server, client_policy: string) =>
  database.call('update_server', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_changes: { client_policy },
  })

test('A36 a policy lets in all, only proven ones, only pre-registered ones, or only listed ones', async () => {
  const server = await addServer(database)
  expect(await welcome(server)).toEqual(['App', 'Claude Code', 'Loose'])
  await policy(server, 'not_dynamic')
  expect(await welcome(server)).toEqual(['App', 'Claude Code'])
  await policy(server, 'pre_registered')
  expect(await welcome(server)).toEqual(['Claude Code'])
  await policy(server, 'listed')
  expect(await welcome(server)).toEqual([])
  await addRule(database, server, { effect: 'allow', client_id: preRegistered.client_id })
  await addRule(database, server, { effect: 'allow', host: 'app.example' })
  expect(await welcome(server)).toEqual(['App', 'Claude Code'])
})

test('A36 created: a blocked client is refused at authorize, token, refresh and introspection, and its connections end', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  const person = await newPerson(database)
  const [code, connected] = [await approve(database, person, server), await connect(database, person, server)]
  const other = await connect(database, person, server, { redirect_uri: redirects[1] }, preRegistered)
  const answer = await addRule(database, server, { client_id: metadataClient.client_id })
  expect(answer).toMatchObject({ outcome: 'created', rule: { effect: 'block' }, connections_ended: 2 })
  expect(await welcome(server)).toEqual(['Claude Code', 'Loose'])
  expect(await exchange(database, code)).toEqual({ outcome: 'connection_revoked' })
  expect(await refresh(database, connected, 1)).toEqual({ outcome: 'connection_revoked' })
  expect(await introspect(database, key, server, connected)).toMatchObject({ reason: 'connection_revoked' })
  expect((await introspect(database, key, server, other)).outcome).toBe('active')
  expect(await database.events()).toContain('client.blocked')
  const ended = await database.query(
    `select connection_id, reason from mcp_data.audit_events where server_id = $1 and event = 'connection.revoked' and account_id = $2`,
    [server.server_id, person.account_id],
  )
  expect(new Set(ended.map(({ connection_id }) => connection_id))).toEqual(new Set([code, connected]))
  expect(ended[0]?.reason).toBe('client_not_allowed')
})

test('A36 a policy that is made stricter counts at the next token, refresh and introspection too', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  const person = await newPerson(database)
  const [code, connected] = [await approve(database, person, server), await connect(database, person, server)]
  await policy(server, 'pre_registered')
  expect(await exchange(database, code)).toEqual({ outcome: 'client_not_allowed' })
  expect(await refresh(database, connected, 1)).toEqual({ outcome: 'client_not_allowed' })
  expect(await introspect(database, key, server, connected)).toEqual({
    outcome: 'inactive',
    reason: 'client_not_allowed',
  })
  await policy(server, 'any')
  expect((await introspect(database, key, server, connected)).outcome).toBe('active')
})

test('A36 a blocked host is that of the document and that of the redirect; an allowed one is the one that vouches', async () => {
  const byRedirect = await addServer(database)
  await addRule(database, byRedirect, { host: 'loose.example' })
  expect(await welcome(byRedirect)).toEqual(['App', 'Claude Code'])
  const listed = await addServer(database)
  await policy(listed, 'listed')
  await addRule(database, listed, { effect: 'allow', host: 'callback.example' })
  const asked = { resource: listed.server_url, redirect_uri: 'https://callback.example/x' }
  // The document of another host may name that redirect: it is not vouched for by it.
  expect((await open(database, newBrowser(), asked, metadataClient)).outcome).toBe('unauthorized_client')
  expect((await open(database, newBrowser(), asked, dynamic)).outcome).toBe('sign_in')
})

test('a rule that blocks wins over one that allows', async () => {
  const server = await addServer(database)
  await policy(server, 'listed')
  await addRule(database, server, { effect: 'allow', client_id: metadataClient.client_id })
  await addRule(database, server, { effect: 'block', host: 'app.example' })
  expect(await welcome(server)).toEqual([])
})

test('rule_exists: one rule for each subject, also of ten at once', async () => {
  const server = await addServer(database)
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => addRule(database, server, { host: 'app.example' })),
  )
  expect(answers.filter(({ outcome }) => outcome === 'created')).toHaveLength(1)
  expect(answers.filter(({ outcome }) => outcome === 'rule_exists')).toHaveLength(9)
})

test('J24 limited: the hundred and first, and more changes an hour than an owner may make', async () => {
  const server = await addServer(database)
  await database.query(
    `insert into mcp_data.server_client_rules (rule_id, server_id, effect, host, subject_digest)
     select 'rul_' || lpad(n::text, 12, '0'), $1, 'block', 'h' || n, decode(lpad(to_hex(n), 64, '0'), 'hex') from generate_series(1, 100) n`,
    [server.server_id],
  )
  expect(await addRule(database, server, { host: 'app.example' })).toEqual({
    outcome: 'limited',
    reason: 'client_rules',
  })
  const busy = await addServer(database)
  const outcomes: string[] = []
  for (let count = 0; count < 61; count += 1)
    outcomes.push((await addRule(database, busy, { host: `h${count}.example` })).outcome)
  expect(outcomes.at(-1)).toBe('limited')
})

test('J3 not_found, scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner } = await ownedServer(database)
  const as = (caller: unknown) => addRule(database, { ...server, caller }, { host: 'app.example' })
  expect(await as((await addServer(database)).caller)).toEqual({ outcome: 'not_found' })
  expect(await as(await ownerCaller(database, owner, ['servers:read']))).toEqual({
    outcome: 'scope_missing',
    scope: 'servers:write',
  })
  for (const [, stranger] of strangers) expect(await as(stranger)).toEqual({ outcome: 'caller_unknown' })
  expect(await as(sessionCaller({ cookie: '', session: '' }))).toEqual({ outcome: 'sign_in' })
})
