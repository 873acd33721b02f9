import { expect, test } from 'vitest'
import { addServer, newBrowser, newPerson, open, openArguments } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { digest, issuer, metadataClient, preRegistered } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const asked = { resource: server.server_url }
const countTransactions = async () => (await database.query('select count(*) as n from mcp_data.transactions'))[0]?.n

test('sign_in: shows client, server and the default and required scopes when none is asked for (RFC 6749 §3.3)', async () => {
  const answer = await open(database, newBrowser(), asked)
  expect(answer).toMatchObject({
    outcome: 'sign_in',
    transaction: {
      transaction_id: answer.id,
      client: metadataClient,
      redirect_uri: 'https://app.example/callback',
      resource: server.server_url,
      state: 'st',
      server: {
        server_id: server.server_id,
        server_name: 'Files',
        server_url: server.server_url,
        share_email: true,
        client_policy: 'any',
      },
      identity_scopes: [],
      account: null,
      step_up: false,
      connected_scopes: [],
      access_seconds: 7_776_000,
    },
  })
  expect(answer).toHaveProperty('transaction.server.scopes', [
    { name: 'files:read', description: 'Read your files', required: false, default: true },
    { name: 'base', description: 'Needed by everything', required: true, default: true },
  ])
})

test('sign_in: scopes outside the catalogue are dropped, required ones added, identity scopes apart', async () => {
  const answer = await open(database, newBrowser(), { ...asked, scope: ['nonsense', 'files:write', 'openid', 'email'] })
  expect(answer).toHaveProperty('transaction.identity_scopes', ['openid', 'email'])
  expect(answer).toMatchObject({ transaction: { server: { scopes: [{ name: 'files:write' }, { name: 'base' }] } } })
})

test('invalid_scope: nothing known was asked for, and nothing is written', async () => {
  const before = await countTransactions()
  expect(await open(database, newBrowser(), { ...asked, scope: ['nonsense'] })).toMatchObject({
    outcome: 'invalid_scope',
    reason: 'scope_unknown',
  })
  expect(await countTransactions()).toBe(before)
})

test('K1 without a resource only identity scopes exist, and the audience is the issuer (RFC 8707 §2)', async () => {
  const answer = await open(database, newBrowser(), { scope: ['openid', 'files:read'] })
  expect(answer).toMatchObject({
    outcome: 'sign_in',
    transaction: { resource: issuer, server: null, identity_scopes: ['openid'] },
  })
  expect(await open(database, newBrowser(), { scope: ['files:read'] })).toMatchObject({ outcome: 'invalid_scope' })
  expect(await open(database, newBrowser())).toMatchObject({ outcome: 'invalid_scope' })
})

test('the management API is a resource of its own with built-in scopes', async () => {
  const answer = await open(database, newBrowser(), { resource: `${issuer}/api`, scope: ['servers:read'] })
  expect(answer).toMatchObject({
    outcome: 'sign_in',
    transaction: {
      resource: `${issuer}/api`,
      server: { server_id: null, server_url: `${issuer}/api`, scopes: [{ name: 'servers:read' }] },
    },
  })
})

test('K3 the longest registered prefix wins, an origin alone stands for its only server', async () => {
  const origin = new URL(server.server_url).origin
  const prefix = { resource_candidates: [`${origin}/mcp/tools`, `${origin}/mcp`] }
  expect(await open(database, newBrowser(), prefix)).toMatchObject({ transaction: { resource: server.server_url } })
  const bare = { resource_candidates: [origin], resource_is_origin: true }
  expect(await open(database, newBrowser(), bare)).toMatchObject({ transaction: { resource: server.server_url } })
  const nested = await addServer(database, { server_url: `${origin}/mcp/tools` })
  expect(await open(database, newBrowser(), prefix)).toMatchObject({
    transaction: { server: { server_id: nested.server_id } },
  })
  expect(await open(database, newBrowser(), bare)).toMatchObject({
    outcome: 'invalid_target',
    reason: 'resource_unknown',
  })
})

test('K4 an unknown resource is refused and leaves no row', async () => {
  const before = await countTransactions()
  expect(await open(database, newBrowser(), { resource: 'https://elsewhere.example/mcp' })).toMatchObject({
    outcome: 'invalid_target',
    reason: 'resource_unknown',
  })
  expect(await countTransactions()).toBe(before)
})

test('A35 a pending, suspended or deleted server is no target, but for its owner while pending (J8)', async () => {
  const owner = await newPerson(database)
  const pending = await addServer(database, {}, 'pending')
  const target = { resource: pending.server_url }
  expect(await open(database, owner, target)).toMatchObject({
    outcome: 'invalid_target',
    reason: 'resource_unverified',
  })
  await database.query('update mcp_data.servers set owner_account_id = $1 where server_id = $2', [
    owner.account_id,
    pending.server_id,
  ])
  expect(await open(database, owner, target)).toMatchObject({ outcome: 'consent' })
  expect(await open(database, newBrowser(), target)).toMatchObject({ outcome: 'invalid_target' })
  await database.query("update mcp_data.servers set status = 'suspended' where server_id = $1", [pending.server_id])
  expect(await open(database, owner, target)).toMatchObject({ outcome: 'invalid_target', reason: 'resource_suspended' })
  await database.query("update mcp_data.servers set status = 'deleted', deleted_at = now() where server_id = $1", [
    pending.server_id,
  ])
  expect(await open(database, owner, target)).toMatchObject({ outcome: 'invalid_target', reason: 'resource_unknown' })
})

test('A36 unauthorized_client: the server allows no dynamic clients', async () => {
  const strict = await addServer(database)
  await database.call('update_server', {
    p_server_id: strict.server_id,
    p_caller: strict.caller,
    p_changes: { client_policy: 'not_dynamic' },
  })
  const dynamic = { ...metadataClient, client_id: 'dcr_x', kind: 'dynamic' }
  expect(await open(database, newBrowser(), { resource: strict.server_url }, dynamic)).toMatchObject({
    outcome: 'unauthorized_client',
    reason: 'client_not_allowed',
  })
  expect(await open(database, newBrowser(), { resource: strict.server_url })).toMatchObject({ outcome: 'sign_in' })
})

test('client_unknown and client_blocked: liveness is checked again in the same call (M12)', async () => {
  expect(await open(database, newBrowser(), asked, { ...preRegistered, client_id: 'client_gone' })).toMatchObject({
    outcome: 'client_unknown',
  })
  const bad = { ...metadataClient, client_id: 'https://bad.example/client.json' }
  await database.query('insert into mcp_data.blocked_clients (client_id_digest, reason) values ($1, $2)', [
    digest(bad.client_id),
    'abuse',
  ])
  expect(await open(database, newBrowser(), asked, bad)).toMatchObject({ outcome: 'client_blocked' })
})

test('the eleventh open transaction of a browser ends its oldest (SECURITY "Limits")', async () => {
  const browser = newBrowser()
  const ids: string[] = []
  for (let n = 0; n < 11; n++) {
    ids.push((await open(database, browser, asked)).id)
    await database.passTime(1)
  }
  const rows = await database.query('select transaction_id from mcp_data.transactions where browser_digest = $1', [
    digest(browser.cookie),
  ])
  expect(new Set(rows.map((row) => row.transaction_id))).toEqual(new Set(ids.slice(1)))
})

test('consent: a live session shows the account; an idle or old one does not (SECURITY §9)', async () => {
  const person = await newPerson(database)
  expect(await open(database, person, asked)).toMatchObject({
    outcome: 'consent',
    transaction: { account: { account_id: person.account_id, email: person.email } },
  })
  await database.passTime(43_201)
  expect(await open(database, person, asked)).toMatchObject({ outcome: 'sign_in', transaction: { account: null } })
})

test('an absolute end comes to a session in use (SECURITY §9)', async () => {
  const person = await newPerson(database)
  for (let day = 0; day < 14; day++) {
    await database.passTime(43_000)
    expect(await open(database, person, asked)).toMatchObject({ outcome: 'consent' })
  }
  await database.passTime(43_000)
  expect(await open(database, person, asked)).toMatchObject({ outcome: 'sign_in' })
})

test('prompt=login and max_age ask for a new sign-in (OpenID Connect Core §3.1.2.1)', async () => {
  const person = await newPerson(database)
  expect(await open(database, person, { ...asked, prompt: ['login'] })).toMatchObject({ outcome: 'sign_in' })
  expect(await open(database, person, { ...asked, max_age_seconds: 60 })).toMatchObject({ outcome: 'consent' })
  await database.passTime(61)
  expect(await open(database, person, { ...asked, max_age_seconds: 60 })).toMatchObject({ outcome: 'sign_in' })
})

test('prompt=none says what would be needed and writes nothing', async () => {
  const before = await countTransactions()
  expect(await open(database, newBrowser(), { ...asked, prompt: ['none'] })).toMatchObject({ outcome: 'sign_in' })
  expect(await countTransactions()).toBe(before)
})

test('a session found by an older pepper is stored under the newest (SECURITY §6)', async () => {
  const person = await newPerson(database)
  const args = {
    ...openArguments(person, asked),
    p_kid: 'k2',
    p_session_digests: [digest('newest'), digest(person.session)],
  }
  expect(await database.call('open_transaction', args)).toMatchObject({ outcome: 'consent' })
  const rows = await database.query('select session_kid from mcp_data.sessions where session_digest = $1', [
    digest('newest'),
  ])
  expect(rows).toEqual([{ session_kid: 'k2' }])
})
