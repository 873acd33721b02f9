import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, open, openArguments } from './support/builders.ts'
import { approve, connect, exchange, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { digest, id, metadataClient, request } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const key = await addKey(database, server)
const person = await newPerson(database)
const inAMinute = () => Math.floor(Date.now() / 1000) + 60
const assertion = (jti = id()) => ({ jti_digest: digest(jti), expires_at_seconds: inAMinute() })
const signed = (keys = ['key_a'], jti?: string) => ({
  p_client: { method: 'private_key_jwt', key_thumbprints: keys, assertion: assertion(jti) },
})
const strong = { ...metadataClient, token_endpoint_auth_method: 'private_key_jwt' }
const codeOf = async (client: Record<string, unknown> = strong) =>
  approve(database, person, server, { scope: ['files:read'] }, client)

test('F14 assertion_replayed: a jti is used once, at exchange, refresh and revocation alike (RFC 7523 §3)', async () => {
  const jti = id()
  const connectionId = await codeOf()
  expect(await exchange(database, connectionId, signed(['key_a'], jti))).toMatchObject({ outcome: 'exchanged' })
  const replayed = { outcome: 'assertion_replayed' }
  expect(await exchange(database, connectionId, signed(['key_a'], jti))).toEqual(replayed)
  expect(await refresh(database, connectionId, 1, signed(['key_a'], jti))).toEqual(replayed)
  const revocation = {
    p_client_id: strong.client_id,
    p_connection_id: connectionId,
    p_refresh_digests: null,
    p_generation: null,
    p_request: request,
  }
  expect(await database.call('revoke_token', { ...revocation, ...signed(['key_a'], jti) })).toEqual(replayed)
  expect(await refresh(database, connectionId, 1, signed())).toMatchObject({ outcome: 'rotated' })
})

test('F14 assertion_replayed: of parallel calls with one jti a single one gets through', async () => {
  const jti = id()
  const connections = await Promise.all(Array.from({ length: 8 }, () => codeOf()))
  const answers = await Promise.all(connections.map((one) => exchange(database, one, signed(['key_a'], jti))))
  expect(answers.filter(({ outcome }) => outcome === 'exchanged')).toHaveLength(1)
  expect(answers.filter(({ outcome }) => outcome === 'assertion_replayed')).toHaveLength(7)
})

test('F14 an assertion is used up by a refused call too, and removed when it is long expired', async () => {
  const proof = signed()
  const connectionId = await codeOf()
  expect(await exchange(database, connectionId, { ...proof, p_code_digests: [] })).toEqual({ outcome: 'code_unknown' })
  expect(await exchange(database, connectionId, proof)).toEqual({ outcome: 'assertion_replayed' })
  const left = () => database.query('select count(*)::integer as n from mcp_data.client_assertions')
  await database.query("update mcp_data.client_assertions set expires_at = now() - interval '2 hours'")
  await database.call('clean_up', { p_batch: 1000 })
  expect(await left()).toEqual([{ n: 0 }])
})

test('E17 client_changed: a weaker method suspends the connection, with an event, until consent is renewed', async () => {
  const connectionId = await codeOf()
  await exchange(database, connectionId, signed())
  expect(await refresh(database, connectionId, 1, { p_client: { method: 'none' } })).toEqual({
    outcome: 'client_changed',
  })
  expect(await refresh(database, connectionId, 1, signed())).toEqual({ outcome: 'client_changed' })
  expect(await introspect(database, key, server, connectionId)).toMatchObject({ outcome: 'inactive' })
  expect(await database.events()).toContain('client.metadata_changed')
  const renewed = await codeOf(metadataClient)
  expect(await exchange(database, renewed, { p_client: { method: 'none' } })).toMatchObject({ outcome: 'exchanged' })
})

test('E17 client_changed: every key replaced; one that stayed is a rotation, and counts from then on', async () => {
  const connectionId = await codeOf()
  await exchange(database, connectionId, signed(['key_a']))
  expect(await refresh(database, connectionId, 1, signed(['key_a', 'key_b']))).toMatchObject({ outcome: 'rotated' })
  expect(await refresh(database, connectionId, 2, signed(['key_b', 'key_c']))).toMatchObject({ outcome: 'rotated' })
  expect(await refresh(database, connectionId, 3, signed(['key_d']))).toEqual({ outcome: 'client_changed' })
})

test('E16 E17 client_changed: keys and method are those of the consent, already at the exchange', async () => {
  const withKeys = { ...strong, key_thumbprints: ['key_a'] }
  expect(await exchange(database, await codeOf(withKeys), signed(['key_z']))).toEqual({ outcome: 'client_changed' })
  expect(await exchange(database, await codeOf(), { p_client: { method: 'none' } })).toEqual({
    outcome: 'client_changed',
  })
})

test('E17 a sleeping connection: keys that were rotated step by step, as another one of the person saw, are no change', async () => {
  const sleeper = await newPerson(database)
  const connect = async (keys: string[]) => {
    const connectionId = await approve(database, sleeper, server, { scope: ['files:read'] }, strong)
    await exchange(database, connectionId, signed(keys))
    return connectionId
  }
  const [asleep, awake] = [await connect(['key_a']), await connect(['key_a'])]
  await refresh(database, awake, 1, signed(['key_a', 'key_b']))
  await refresh(database, awake, 2, signed(['key_b', 'key_c']))
  expect(await refresh(database, asleep, 1, signed(['key_c']))).toMatchObject({ outcome: 'rotated' })
  // Somebody else's connections say nothing.
  const alone = await approve(database, await newPerson(database), server, { scope: ['files:read'] }, strong)
  await exchange(database, alone, signed(['key_a']))
  expect(await refresh(database, alone, 1, signed(['key_c']))).toEqual({ outcome: 'client_changed' })
})

test('E17 client_changed: every connection of the person with this client is suspended, and no other', async () => {
  const owner = await newPerson(database)
  const mine = async (client: Record<string, unknown>, keys: string[]) => {
    const connectionId = await approve(database, owner, server, { scope: ['files:read'] }, client)
    await exchange(database, connectionId, { ...signed(keys), p_client_id: client.client_id })
    return connectionId
  }
  const [one, two] = [await mine(strong, ['key_a']), await mine(strong, ['key_a'])]
  const otherClient = { ...strong, client_id: 'https://other.example/client.json' }
  const other = await mine(otherClient, ['key_a'])
  expect(await refresh(database, one, 1, signed(['key_z']))).toEqual({ outcome: 'client_changed' })
  expect(await refresh(database, two, 1, signed(['key_a']))).toEqual({ outcome: 'client_changed' })
  expect(await refresh(database, other, 1, { ...signed(['key_a']), p_client_id: otherClient.client_id })).toMatchObject(
    {
      outcome: 'rotated',
    },
  )
})

test('E17 client_changed: the keys at a jwks_uri of a client that registered itself may be replaced too', async () => {
  const dynamic = { ...strong, client_id: 'dcr_keys', kind: 'dynamic' }
  const connectionId = await approve(database, await newPerson(database), server, { scope: ['files:read'] }, dynamic)
  const by = (keys: string[]) => ({ ...signed(keys), p_client_id: dynamic.client_id })
  expect(await exchange(database, connectionId, by(['key_a']))).toMatchObject({ outcome: 'exchanged' })
  expect(await refresh(database, connectionId, 1, by(['key_z']))).toEqual({ outcome: 'client_changed' })
})

test('E17 E24 remembered consent holds keys that are fetched to those of then: replaced ones need a new yes', async () => {
  const authorization = { resource: server.server_url, scope: ['files:read'], redirect_trust: 'proven' }
  const someone = await newPerson(database)
  const again = async () => {
    const args = openArguments(someone, authorization, strong)
    const { outcome } = await database.call('open_transaction', args)
    return { outcome, connectionId: args.p_connection_id }
  }
  await exchange(database, await approve(database, someone, server, authorization, strong), signed(['key_a']))
  const kept = await again()
  expect(kept.outcome).toBe('approved')
  expect(await exchange(database, kept.connectionId, signed(['key_a', 'key_b']))).toMatchObject({
    outcome: 'exchanged',
  })
  const stolen = await again()
  expect(stolen.outcome).toBe('approved')
  expect(await exchange(database, stolen.connectionId, signed(['key_z']))).toEqual({ outcome: 'client_changed' })
  // From now on the person is asked, and a yes counts for the new keys.
  expect((await again()).outcome).toBe('consent')
  const renewed = await approve(database, someone, server, authorization, strong)
  expect(await exchange(database, renewed, signed(['key_z']))).toMatchObject({ outcome: 'exchanged' })
  expect((await again()).outcome).toBe('approved')
})

test('E24 consent is not remembered for a client that proves itself less well', async () => {
  const authorization = { resource: server.server_url, scope: ['files:read'], redirect_trust: 'proven' }
  const someone = await newPerson(database)
  const connectionId = await approve(database, someone, server, authorization, strong)
  await exchange(database, connectionId, signed())
  expect(await open(database, someone, authorization, strong)).toMatchObject({ outcome: 'approved' })
  expect(await open(database, someone, authorization, metadataClient)).toMatchObject({ outcome: 'consent' })
})

test('a client that says nothing of itself is looked at as before', async () => {
  const connectionId = await connect(database, person, server)
  expect(await refresh(database, connectionId, 1, { p_client: null })).toMatchObject({ outcome: 'rotated' })
})

test('D12 a dynamic client with an https redirect is connected for 7 days, others for 90 (SECURITY §20)', async () => {
  const dynamic = { ...metadataClient, client_id: 'dcr_x', kind: 'dynamic' }
  const secondsOf = async (client: Record<string, unknown>, redirect_uri: string) => {
    const opened = await open(database, person, { resource: server.server_url, redirect_uri }, client)
    return (opened.transaction as { access_seconds: number }).access_seconds
  }
  expect(await secondsOf(dynamic, 'https://app.example/callback')).toBe(7 * 86_400)
  expect(await secondsOf(dynamic, 'http://localhost:1/callback')).toBe(90 * 86_400)
  expect(await secondsOf(metadataClient, 'https://app.example/callback')).toBe(90 * 86_400)
})
