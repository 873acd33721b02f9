import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  connectBy,
  newPath,
  newSigner,
  nowSeconds,
  openDevelopment,
  proof,
  publish,
  type Signer,
  stopClock,
} from '../support/worker/clients.ts'
import { host, hostJson, hostUrl, requestsFor } from '../support/worker/document-host.ts'
import { exchange, form, house, isActive, refresh, tokensOf } from '../support/worker/flow.ts'
import type { House } from '../support/worker/house.ts'
import { eventsOf } from '../support/worker/sql.ts'

const atHome = openDevelopment()
const method = { token_endpoint_auth_method: 'private_key_jwt' }

/** A client whose keys stand in its document. */
async function withKeys(...signers: readonly Signer[]) {
  const path = newPath()
  const keys = signers.map(({ jwk }) => jwk)
  return { path, client_id: await publish({ ...method, jwks: { keys } }, path) }
}

/** A client whose keys stand at a jwks_uri. */
async function withKeysElsewhere(...signers: readonly Signer[]) {
  const [path, keysPath] = [newPath(), newPath()]
  const serve = (...now: readonly Signer[]) => hostJson(keysPath, { keys: now.map(({ jwk }) => jwk) })
  await serve(...signers)
  return { path, keysPath, serve, client_id: await publish({ ...method, jwks_uri: hostUrl(keysPath) }, path) }
}

const publicPart = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')

describe('private_key_jwt', () => {
  it('F14 proves a client; its jti is used once, also in parallel (RFC 7523 §3)', async () => {
    const signer = await newSigner()
    const { client_id } = await withKeys(signer)
    const { grant } = await connectBy(client_id)
    expect(await exchange(grant, { client_id }, atHome)).toMatchObject({ status: 401 })
    const tokens = tokensOf(await exchange(grant, { client_id, ...proof(await signer.assert(client_id)) }, atHome))
    const once = proof(await signer.assert(client_id))
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => refresh(tokens.refresh_token, { client_id, ...once }, atHome)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401])
  })

  type Forgery = (signer: Signer, client_id: string) => Promise<string>
  const refusedAssertion = async (_name: string, forge: Forgery) => {
    const signer = await newSigner()
    const { client_id, path } = await withKeys(signer)
    const { grant } = await connectBy(client_id)
    const answer = await exchange(grant, { client_id, ...proof(await forge(signer, client_id)) }, openDevelopment())
    expect([answer.status, answer.json?.error]).toEqual([401, 'invalid_client'])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
    // Whatever its header points at was never asked for; nor is the code burnt.
    expect(await requestsFor('/evil-keys.json')).toEqual([])
    expect((await requestsFor(path)).length).toBeLessThanOrEqual(2)
    expect((await exchange(grant, { client_id, ...proof(await signer.assert(client_id)) }, atHome)).status).toBe(200)
  }
  it.each<[string, Forgery]>([
    ['the token endpoint as audience', (by, id) => by.assert(id, { aud: `${house.issuer}/token` })],
    ['an array as audience', (by, id) => by.assert(id, { aud: [house.issuer] })],
    ['another issuer', (by, id) => by.assert(id, { iss: 'https://evil.dev/client.json' })],
    ['another subject', (by, id) => by.assert(id, { sub: 'https://evil.dev/client.json' })],
    ['a life of an hour', (by, id) => by.assert(id, { exp: nowSeconds() + 3600 })],
    ['an end that has come', (by, id) => by.assert(id, { exp: nowSeconds() - 1 })],
    ['no end', (by, id) => by.assert(id, { exp: undefined })],
    ['no jti', (by, id) => by.assert(id, { jti: undefined })],
    ['a beginning in the future', (by, id) => by.assert(id, { nbf: nowSeconds() + 600 })],
  ])('F14 is refused with %s, and burns nothing', refusedAssertion)
  it.each<[string, Forgery]>([
    [
      'alg none',
      async (by, id) => {
        const [, claims] = (await by.assert(id)).split('.')
        return `${publicPart({ alg: 'none' })}.${claims}.`
      },
    ],
    [
      'HS256 over the public key',
      (by, id) =>
        new SignJWT({ iss: id, sub: id, aud: house.issuer, jti: 'x', exp: nowSeconds() + 60 })
          .setProtectedHeader({ alg: 'HS256' })
          .sign(new TextEncoder().encode(JSON.stringify(by.jwk))),
    ],
    [
      'a key of its own in the header',
      async (_by, id) => {
        const stranger = await newSigner()
        return stranger.assert(id, {}, { jwk: stranger.jwk, kid: undefined })
      },
    ],
    [
      'a key at an address in the header',
      async (_by, id) => (await newSigner()).assert(id, {}, { jku: hostUrl('/evil-keys.json'), kid: undefined }),
    ],
    [
      'a critical header that nobody knows',
      (by, id) =>
        new SignJWT({ iss: id, sub: id, aud: house.issuer, jti: 'x', exp: nowSeconds() + 60 })
          .setProtectedHeader({ alg: 'ES256', crit: ['x'], x: 1 })
          .sign(by.privateKey, { crit: { x: true } }),
    ],
  ])('F15 is refused with %s, and nothing is fetched for it', refusedAssertion)

  it('needs client_assertion_type, and may leave client_id out (RFC 7521 §4.2)', async () => {
    const signer = await newSigner()
    const { client_id } = await withKeys(signer)
    const { grant } = await connectBy(client_id)
    const fields = { grant_type: 'authorization_code', code: grant.code, code_verifier: grant.verifier }
    const client_assertion = await signer.assert(client_id)
    expect(await atHome.send('/token', form({ ...fields, client_assertion }))).toMatchObject({ status: 401 })
    expect(await atHome.send('/token', form({ ...fields, ...proof(client_assertion) }))).toMatchObject({ status: 200 })
  })

  it('proves a client that registered itself with keys, or with their address', async () => {
    const signer = await newSigner()
    const keysPath = newPath()
    await hostJson(keysPath, { keys: [signer.jwk] })
    for (const keys of [{ jwks: { keys: [signer.jwk] } }, { jwks_uri: hostUrl(keysPath) }]) {
      const body = JSON.stringify({ ...method, redirect_uris: ['http://localhost:51004/callback'], ...keys })
      const headers = { 'content-type': 'application/json' }
      const { json } = await atHome.send('/register', { method: 'POST', headers, body })
      const client_id = String(json?.client_id)
      const { grant } = await connectBy(client_id)
      const by = { client_id, ...proof(await signer.assert(client_id)) }
      expect((await exchange(grant, by, atHome)).status).toBe(200)
    }
  })
})

describe('keys at a jwks_uri', () => {
  async function connected(of: Awaited<ReturnType<typeof withKeysElsewhere>>, signer: Signer, at: House = atHome) {
    const { grant, owner } = await connectBy(of.client_id)
    const by = { client_id: of.client_id, ...proof(await signer.assert(of.client_id)) }
    return { ...tokensOf(await exchange(grant, by, at)), owner }
  }
  const refreshBy = async (client_id: string, token: string, signer: Signer, at: House) =>
    refresh(token, { client_id, ...proof(await signer.assert(client_id)) }, at)

  it('E20 are fetched when they are needed, and then kept', async () => {
    const signer = await newSigner()
    const client = await withKeysElsewhere(signer)
    const { grant } = await connectBy(client.client_id)
    expect(await requestsFor(client.keysPath)).toEqual([])
    const by = async () => ({ client_id: client.client_id, ...proof(await signer.assert(client.client_id)) })
    const tokens = tokensOf(await exchange(grant, await by(), atHome))
    expect((await refresh(tokens.refresh_token, await by(), atHome)).status).toBe(200)
    expect(await requestsFor(client.keysPath)).toHaveLength(1)
  })

  it('E20 may rotate: a new key is found before what is remembered has expired, by one call more', async () => {
    const clock = stopClock()
    const [old, fresh] = [await newSigner(), await newSigner()]
    const client = await withKeysElsewhere(old)
    const aged = openDevelopment()
    const tokens = await connected(client, old, aged)
    await client.serve(old, fresh)
    clock.pass(60)
    expect((await refreshBy(client.client_id, tokens.refresh_token, fresh, aged)).status).toBe(200)
    expect(await requestsFor(client.keysPath)).toHaveLength(2)
  })

  it('E20 are not fetched again for each invented key: once a minute', async () => {
    const clock = stopClock()
    const signer = await newSigner()
    const client = await withKeysElsewhere(signer)
    const tokens = await connected(client, signer)
    const calls = async () => [await requestsFor(client.keysPath), await requestsFor(client.path)]
    const before = await calls()
    for (let n = 0; n < 5; n++) {
      const answer = await refreshBy(client.client_id, tokens.refresh_token, await newSigner(), atHome)
      expect([answer.status, answer.json?.error]).toEqual([401, 'invalid_client'])
    }
    clock.pass(59)
    await refreshBy(client.client_id, tokens.refresh_token, await newSigner(), atHome)
    expect(await calls()).toEqual(before)
  })

  it.each([
    ['too large', { headers: { 'content-type': 'application/json' }, body: `"${'x'.repeat(65_536)}"` }],
    ['missing', { status: 404 }],
    ['no key set', { headers: { 'content-type': 'application/json' }, body: '{}' }],
    ['redirected', { status: 302, headers: { location: '/elsewhere' } }],
    [
      'private',
      {
        headers: { 'content-type': 'application/json' },
        body: '{"keys":[{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"d"}]}',
      },
    ],
  ])('E20 E11 that are %s prove nobody, and the code is not burnt', async (_what, hosted) => {
    const signer = await newSigner()
    const client = await withKeysElsewhere(signer)
    const { grant } = await connectBy(client.client_id)
    await host(client.keysPath, hosted)
    const by = { client_id: client.client_id, ...proof(await signer.assert(client.client_id)) }
    expect((await exchange(grant, by, openDevelopment())).status).not.toBe(200)
    await client.serve(signer)
    const again = { client_id: client.client_id, ...proof(await signer.assert(client.client_id)) }
    expect((await exchange(grant, again, openDevelopment())).status).toBe(200)
  })

  it('E17 that were all replaced suspend the connection, with an event, until the person agrees again', async () => {
    const [own, stranger] = [await newSigner(), await newSigner()]
    const client = await withKeysElsewhere(own)
    const tokens = await connected(client, own)
    await client.serve(stranger)
    const afterwards = openDevelopment()
    const stolen = await refreshBy(client.client_id, tokens.refresh_token, stranger, afterwards)
    expect([stolen.status, stolen.json?.error]).toEqual([400, 'invalid_grant'])
    expect(await eventsOf(tokens.refresh_token)).toContain('client.metadata_changed')
    expect(await isActive(tokens.owner, tokens.access_token)).toBe(false)
    // A new consent counts for the new keys.
    const renewed = await connected(client, stranger, afterwards)
    expect((await refreshBy(client.client_id, renewed.refresh_token, stranger, afterwards)).status).toBe(200)
  })
})

it('E17 a document that no longer asks for the key suspends the connection, with an event, also for introspection', async () => {
  const signer = await newSigner()
  const { client_id, path } = await withKeys(signer)
  const { grant, owner } = await connectBy(client_id)
  const tokens = tokensOf(await exchange(grant, { client_id, ...proof(await signer.assert(client_id)) }, atHome))
  expect(await isActive(owner, tokens.access_token)).toBe(true)
  await publish({}, path)
  const answer = await refresh(tokens.refresh_token, { client_id }, openDevelopment())
  expect([answer.status, answer.json?.error]).toEqual([400, 'invalid_grant'])
  expect(await eventsOf(tokens.refresh_token)).toContain('client.metadata_changed')
  expect(await isActive(owner, tokens.access_token)).toBe(false)
})

it('a new key in the document itself is found before what is remembered has expired, too', async () => {
  const clock = stopClock()
  const [old, fresh] = [await newSigner(), await newSigner()]
  const { client_id, path } = await withKeys(old)
  const aged = openDevelopment()
  const { grant } = await connectBy(client_id)
  const tokens = tokensOf(await exchange(grant, { client_id, ...proof(await old.assert(client_id)) }, aged))
  await publish({ ...method, jwks: { keys: [old.jwk, fresh.jwk] } }, path)
  clock.pass(60)
  const answer = await refresh(tokens.refresh_token, { client_id, ...proof(await fresh.assert(client_id)) }, aged)
  expect(answer.status).toBe(200)
})
