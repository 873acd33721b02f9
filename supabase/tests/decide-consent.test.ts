import { expect, test } from 'vitest'
import { addServer, decide, newBrowser, newPerson, open, sendCode, signIn, verifyCode } from './support/builders.ts'
import { exchange } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { readTransaction } from './support/pages.ts'
import { digest, id, metadataClient, newEmail } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const asked = { resource: server.server_url, scope: ['files:read', 'files:write', 'openid'] }
const connectionRow = async (connectionId: string) =>
  (await database.query('select * from mcp_data.connections where connection_id = $1', [connectionId]))[0]

test('approved: makes the connection that holds the code (SECURITY §2, §3)', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, { ...asked, nonce: 'n-1' })
  const answer = await decide(database, person, transaction.id, { p_scopes: ['files:read', 'files:write'] })
  expect(answer).toEqual({
    outcome: 'approved',
    redirect_uri: 'https://app.example/callback',
    state: 'st',
    client: metadataClient,
    scopes: ['files:read', 'files:write', 'base', 'openid'],
    first_connection: { email: person.email, kind: 'server', server_host: new URL(server.server_url).host },
    connection_id: answer.connection_id,
  })
  expect(await connectionRow(answer.connection_id)).toMatchObject({
    account_id: person.account_id,
    client_id: metadataClient.client_id,
    resource: server.server_url,
    server_id: server.server_id,
    nonce: 'n-1',
    email_shared: true,
    generation: 0,
    refresh_digest: null,
  })
  expect(await database.events()).toContain('consent.granted')
})

test('A34 the stored code is 32 bytes that are not the code', async () => {
  const person = await newPerson(database)
  const { connection_id } = await decide(database, person, (await open(database, person, asked)).id)
  const row = await connectionRow(connection_id)
  expect(row?.code_digest).toHaveLength(32)
})

test('approved: unticked scopes are not granted, required ones always are, and narrowing is an event', async () => {
  const person = await newPerson(database)
  const answer = await decide(database, person, (await open(database, person, asked)).id, { p_scopes: ['files:write'] })
  expect(answer.scopes).toEqual(['files:write', 'base', 'openid'])
  expect(await database.events()).toContain('consent.narrowed')
})

test('B10 B32 approved: to what the page showed, whatever the owner changes while it is read', async () => {
  const entry = (required: boolean) => [
    { name: 'a', description: 'A', required: false, default: true },
    { name: 'b', description: 'B', required, default: true },
  ]
  const changing = await addServer(database, { share_email: false, scopes: entry(false) })
  const change = (p_changes: Record<string, unknown>) =>
    database.call('update_server', { p_server_id: changing.server_id, p_caller: changing.caller, p_changes })
  const person = await newPerson(database)
  const shown = await open(database, person, { resource: changing.server_url })
  expect(shown).toMatchObject({ transaction: { server: { share_email: false, scopes: entry(false) } } })
  await change({ share_email: true, scopes: entry(true) })
  const again = await readTransaction(database, person, shown.id)
  expect(again).toMatchObject({ transaction: { server: { share_email: false, scopes: entry(false) } } })
  const answer = await decide(database, person, shown.id, { p_scopes: ['a'] })
  expect(answer.scopes).toEqual(['a'])
  expect(await connectionRow(answer.connection_id)).toMatchObject({ email_shared: false })
  const later = await open(database, person, { resource: changing.server_url })
  expect(later).toMatchObject({ transaction: { server: { share_email: true, scopes: entry(true) } } })
  expect((await decide(database, person, later.id, { p_scopes: ['a'] })).scopes).toEqual(['a', 'b'])
})

test('B10 approved: what the owner shares no more is not shared, although the page said so', async () => {
  const changing = await addServer(database)
  const person = await newPerson(database)
  const { id: transaction } = await open(database, person, { resource: changing.server_url })
  await database.call('update_server', {
    p_server_id: changing.server_id,
    p_caller: changing.caller,
    p_changes: { share_email: false },
  })
  const { connection_id } = await decide(database, person, transaction)
  expect(await connectionRow(connection_id)).toMatchObject({ email_shared: false })
})

test('denied: by the person, and by unticking every scope of the server; no connection is made', async () => {
  const person = await newPerson(database)
  const free = await addServer(database, { scopes: [{ name: 'a', description: 'A', required: false, default: true }] })
  const decisions: [Record<string, unknown>, Record<string, unknown>][] = [
    [asked, { p_decision: 'deny' }],
    [{ resource: free.server_url, scope: ['a', 'openid'] }, { p_scopes: ['openid'] }],
    [{ resource: free.server_url }, { p_scopes: [] }],
  ]
  for (const [authorization, decision] of decisions) {
    const transaction = await open(database, person, authorization)
    const answer = await decide(database, person, transaction.id, decision)
    expect(answer).toMatchObject({
      outcome: 'denied',
      redirect_uri: 'https://app.example/callback',
      state: 'st',
      client: metadataClient,
    })
    expect(await connectionRow(answer.connection_id)).toBeUndefined()
  }
  expect(await database.events()).toContain('consent.denied')
})

test('a server without scopes can be approved', async () => {
  const bare = await addServer(database, { scopes: [] })
  const person = await newPerson(database)
  const transaction = await open(database, person, { resource: bare.server_url })
  expect(await decide(database, person, transaction.id, { p_scopes: [] })).toMatchObject({
    outcome: 'approved',
    scopes: [],
  })
})

test('A29 of 20 parallel approvals one wins and one connection is made', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, asked)
  const answers = await Promise.all(Array.from({ length: 20 }, () => decide(database, person, transaction.id)))
  expect(answers.filter((answer) => answer.outcome === 'approved')).toHaveLength(1)
  expect(answers.filter((answer) => answer.reason === 'transaction_decided')).toHaveLength(19)
  expect(
    await database.query('select from mcp_data.connections where account_id = $1', [person.account_id]),
  ).toHaveLength(1)
})

test('A30 transaction_gone: 601 seconds later by the clock of the database', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, asked)
  await database.passTime(601)
  expect(await decide(database, person, transaction.id)).toMatchObject({
    outcome: 'transaction_gone',
    reason: 'transaction_expired',
  })
})

test("B11 transaction_gone: a signed-in browser cannot finish another browser's transaction", async () => {
  const attacker = await newPerson(database)
  const transaction = await open(database, attacker, asked)
  const victim = await newPerson(database)
  const answer = await decide(database, victim, transaction.id)
  expect(answer).toMatchObject({ outcome: 'transaction_gone', reason: 'transaction_unknown' })
  expect(await connectionRow(answer.connection_id)).toBeUndefined()
})

test('sign_in: without a session, and when the account is not the one the page showed', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, asked)
  expect(await decide(database, person, transaction.id, { p_session_digests: [digest('unknown')] })).toMatchObject({
    outcome: 'sign_in',
  })
  const other = { cookie: person.cookie, session: id() }
  await signIn(database, other)
  expect(await decide(database, other, transaction.id)).toMatchObject({ outcome: 'sign_in' })
  expect(await decide(database, person, transaction.id)).toMatchObject({ outcome: 'approved' })
})

test('sign_in: prompt=login is satisfied by the sign-in of this transaction only', async () => {
  const person = await newPerson(database)
  await database.passTime(5)
  const transaction = await open(database, person, { ...asked, prompt: ['login'] })
  await database.query('update mcp_data.transactions set account_id = $1 where transaction_id = $2', [
    person.account_id,
    transaction.id,
  ])
  expect(await decide(database, person, transaction.id)).toMatchObject({ outcome: 'sign_in' })
  await sendCode(database, person, transaction.id, person.email)
  const session = id()
  await verifyCode(database, person, transaction.id, '12345678', { p_session_digest: digest(session) })
  expect(await decide(database, { ...person, session }, transaction.id)).toMatchObject({ outcome: 'approved' })
})

test('scope_not_requested: a ticked scope that the request did not name; the transaction goes on', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, { ...asked, scope: ['files:read'] })
  expect(await decide(database, person, transaction.id, { p_scopes: ['files:read', 'files:write'] })).toMatchObject({
    outcome: 'scope_not_requested',
  })
  expect(await decide(database, person, transaction.id)).toMatchObject({ outcome: 'approved' })
})

test('F28 refused: the server, its policy or the client changed meanwhile, each with its own reason and an event', async () => {
  const person = await newPerson(database)
  const doomed = await addServer(database)
  const stopped = await open(database, person, { resource: doomed.server_url })
  const rows = "update mcp_data.servers set client_policy = 'pre_registered' where server_id = $1"
  await database.query(rows, [doomed.server_id])
  expect(await decide(database, person, stopped.id)).toMatchObject({ outcome: 'refused', reason: 'client_not_allowed' })
  await database.query("update mcp_data.servers set status = 'suspended' where server_id = $1", [doomed.server_id])
  expect(await decide(database, person, stopped.id)).toMatchObject({ outcome: 'refused', reason: 'resource_gone' })
  const client = { ...metadataClient, client_id: 'https://late.example/client.json' }
  const transaction = await open(database, person, asked, client)
  await database.query('insert into mcp_data.blocked_clients (client_id_digest, reason) values ($1, $2)', [
    digest(client.client_id),
    'abuse',
  ])
  expect(await decide(database, person, transaction.id)).toMatchObject({ outcome: 'refused', reason: 'client_blocked' })
  const events = await database.query(
    "select reason, account_id, client_id, request_id from mcp_data.audit_events where event = 'authorization.failed' and account_id = $1 order by occurred_at",
    [person.account_id],
  )
  expect(events.map(({ reason }) => reason)).toEqual(['client_not_allowed', 'resource_gone', 'client_blocked'])
  expect(events[2]).toMatchObject({ client_id: client.client_id, request_id: 'req_1' })
  // No is always possible: it gives nothing to anybody.
  expect(await decide(database, person, transaction.id, { p_decision: 'deny' })).toMatchObject({ outcome: 'denied' })
})

test('limited: the eleventh decision of a session in a minute', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, asked)
  for (let n = 0; n < 10; n++) await decide(database, person, transaction.id, { p_scopes: ['other'] })
  const answer = await decide(database, person, transaction.id)
  expect(answer).toMatchObject({ outcome: 'limited' })
  expect(Number(answer.retry_after_seconds)).toBeGreaterThan(0)
  await database.passTime(61)
  expect(await decide(database, person, transaction.id)).toMatchObject({ outcome: 'approved' })
})

test('J16 a scope added to the server after the page was opened is not granted', async () => {
  const person = await newPerson(database)
  const growing = await addServer(database, {
    scopes: [{ name: 'a', description: '', required: false, default: true }],
  })
  const transaction = await open(database, person, { resource: growing.server_url })
  const scopes = ['a', 'b'].map((name) => ({ name, description: '', required: true, default: true }))
  await database.call('update_server', {
    p_server_id: growing.server_id,
    p_caller: growing.caller,
    p_changes: { scopes },
  })
  const { connection_id, ...answer } = await decide(database, person, transaction.id, { p_scopes: ['a'] })
  expect(answer.scopes).toEqual(['a'])
  expect(await exchange(database, connection_id)).toMatchObject({ connection: { scopes: ['a'] } })
})

test('C12 the subject is the account, whichever browser it signs in from', async () => {
  const email = newEmail()
  const [first, second] = [newBrowser(), newBrowser()]
  expect((await signIn(database, first, email)).account_id).toBe((await signIn(database, second, email)).account_id)
})

test('C7 first_connection: of a client that this person has not connected before, at whatever server', async () => {
  const person = await newPerson(database)
  const other = await addServer(database)
  const answers: unknown[] = []
  for (const [resource, client_id] of [
    [server.server_url, 'https://one.example/c'],
    [other.server_url, 'https://one.example/c'],
    [server.server_url, 'https://two.example/c'],
  ]) {
    const transaction = await open(database, person, { resource }, { ...metadataClient, client_id })
    answers.push((await decide(database, person, transaction.id)).first_connection)
  }
  const told = { email: person.email, kind: 'server', server_host: new URL(server.server_url).host }
  expect(answers).toEqual([told, undefined, told])
})
