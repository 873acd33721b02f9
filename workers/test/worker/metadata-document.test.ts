import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { s256 } from '../../src/crypto/pkce.ts'
import { randomBase64Url } from '../../src/crypto/random.ts'
import { exchange, form, house, openServer, refresh, tokensOf } from '../support/worker/flow.ts'
import { openHouse } from '../support/worker/house.ts'
import { eventsOf } from '../support/worker/sql.ts'
import { authorizeUrl, redirectUri } from './requests.ts'
import { meetVisitor } from './visitor.ts'

type Json = Readonly<Record<string, unknown>>

const nowSeconds = () => Math.floor(Date.now() / 1000)

/** What strangers host, seen by the fetch of this test's own Worker alone. */
const hosted = new Map<string, () => Response>()
const fetched: string[] = []

const json =
  (body: unknown, type = 'application/json') =>
  () =>
    new Response(JSON.stringify(body), { headers: { 'content-type': type } })

function publish(document: Json, path = `/${crypto.randomUUID()}.json`): string {
  const client_id = `http://localhost:9409${path}`
  const usual = { client_id, client_name: 'Desktop tool', redirect_uris: [redirectUri] }
  hosted.set(client_id, json({ ...usual, ...document }))
  return client_id
}

const usualFetch = globalThis.fetch
globalThis.fetch = async (input, init) => {
  const url = input instanceof Request ? input.url : String(input)
  if (!url.startsWith('http://localhost:9409/')) return usualFetch(input, init)
  fetched.push(url)
  return hosted.get(url)?.() ?? new Response('', { status: 404 })
}

const LIMITS = '{"document_calls_per_host":1000,"document_failures_per_host":1000}'
const variables = { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS }
const development = openHouse({ variables })

async function connectBy(client_id: string) {
  const { server_url } = await openServer()
  const visitor = meetVisitor(variables)
  const verifier = randomBase64Url(32)
  const fields = { client_id, resource: server_url, code_challenge: await s256(verifier) }
  const consent = await visitor.signIn(await visitor.open(authorizeUrl(fields)))
  const scope = ['files:read', 'files:write']
  const answer = await visitor.submit(consent, '/consent', { decision: 'approve', scope })
  const code = answer.location?.searchParams.get('code') ?? ''
  return { consent, grant: { code, verifier } }
}

async function signer(client_id: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const assert = (claims: Json = {}, header: Json = {}) =>
    new SignJWT({
      iss: client_id,
      sub: client_id,
      aud: house.issuer,
      jti: randomBase64Url(16),
      exp: nowSeconds() + 60,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', ...header })
      .sign(privateKey)
  return { jwk: await exportJWK(publicKey), assert }
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const proof = (client_assertion: string) => ({ client_assertion, client_assertion_type: assertionType })

describe('a client ID metadata document', () => {
  it('E13 connects a client nobody registered; the page names the host that published it, and the loopback redirect', async () => {
    const client_id = publish({ grant_types: ['authorization_code', 'refresh_token', 'urn:x'] })
    const { consent, grant } = await connectBy(client_id)
    expect(consent.text).toContain('Desktop tool')
    expect(consent.text).toContain('localhost:9409')
    const tokens = tokensOf(await exchange(grant, { client_id }, development))
    expect((await refresh(tokens.refresh_token, { client_id }, development)).status).toBe(200)
  })

  it('is not read from loopback without the development switch (SECURITY §25)', async () => {
    const client_id = publish({})
    fetched.length = 0
    const answer = await house.send(authorizeUrl({ client_id }).href)
    expect([answer.status, answer.headers.get('location'), fetched]).toEqual([400, null, []])
  })

  it.each([
    ['E1', 'https://127.0.0.1/x'],
    ['E1', 'https://2130706433/x'],
    ['E1', 'https://0x7f.1/x'],
    ['E1', 'https://[::1]/x'],
    ['E1', 'https://169.254.169.254/x'],
    ['E2', 'https://printer.local/x'],
    ['E10', 'http://good.dev/x'],
    ['E10', 'https://good.dev'],
    ['E10', 'https://good.dev/x#f'],
    ['E10', 'https://u@good.dev/x'],
    ['E10', 'https://good.dev/a/../x'],
    ['E10', 'https://good.dev/%2e%2e/x'],
    ['E10', 'https://good.dev\\x'],
    ['E10', 'https://good.dev/x https://evil.dev/x'],
    ['E10', 'https://good.dev:8443/x'],
  ])('%s refuses %s with a page, 401 at the token endpoint, and no fetch', async (_row, client_id) => {
    fetched.length = 0
    const page = await house.send(authorizeUrl({ client_id }).href)
    expect([page.status, page.headers.get('location')]).toEqual([400, null])
    expect(page.text).toContain('client_id_malformed')
    const grant = { code: `mac_${'A'.repeat(22)}.${'A'.repeat(43)}`, verifier: 'v'.repeat(43) }
    const token = await exchange(grant, { client_id })
    expect([token.status, token.json?.error, fetched]).toEqual([401, 'invalid_client', []])
  })

  it('E19 tells a refused, a missing and a redirecting host apart in the log alone', async () => {
    const address = 'http://localhost:9409/'
    hosted.set(`${address}b`, () => new Response('', { status: 500 }))
    hosted.set(`${address}c`, () => new Response('', { status: 302, headers: { location: 'http://10.0.0.1/' } }))
    const pages = []
    for (const name of ['a', 'b', 'c']) {
      const { text } = await development.send(authorizeUrl({ client_id: `${address}${name}` }).href)
      pages.push(text.replaceAll(/req_[0-9A-Za-z]+/g, ''))
    }
    expect(pages[0]).toContain('client_document_unavailable')
    expect(new Set(pages).size).toBe(1)
  })

  it.each([
    ['E9', { client_id: 'http://localhost:9409/other' }],
    ['E11', { client_secret: 's' }],
    ['E12', { redirect_uris: ['https://evil.dev/cb'] }],
    ['B20', { client_name: 'C1aude' }],
  ])('%s a document with %j is not valid: a page that says why', async (_row, change) => {
    const page = await development.send(authorizeUrl({ client_id: publish(change) }).href)
    expect([page.status, page.headers.get('location')]).toEqual([400, null])
    expect(page.text).toContain('client_document_invalid')
  })
})

describe('private_key_jwt', () => {
  async function published() {
    const path = `/${crypto.randomUUID()}.json`
    const { jwk, assert } = await signer(`http://localhost:9409${path}`)
    const client_id = publish({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }, path)
    return { client_id, assert, path }
  }

  it('F14 proves a client; its jti is used once, also in parallel (RFC 7523 §3)', async () => {
    const { client_id, assert } = await published()
    const { grant } = await connectBy(client_id)
    expect(await exchange(grant, { client_id }, development)).toMatchObject({ status: 401 })
    const tokens = tokensOf(await exchange(grant, { client_id, ...proof(await assert()) }, development))
    const once = proof(await assert())
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => refresh(tokens.refresh_token, { client_id, ...once }, development)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401])
  })

  it.each([
    ['F14', 'the token endpoint as audience', { aud: `${house.issuer}/token` }, {}],
    ['F14', 'an array as audience', { aud: [house.issuer] }, {}],
    ['F14', 'a life of an hour', { exp: nowSeconds() + 3600 }, {}],
    ['F15', 'a key in its header', { iss: 'x' }, { jwk: {}, jku: 'https://evil.dev/keys' }],
  ])('%s is refused with %s', async (_row, _name, claims, header) => {
    const { client_id, assert } = await published()
    const { grant } = await connectBy(client_id)
    fetched.length = 0
    const answer = await exchange(grant, { client_id, ...proof(await assert(claims, header)) }, development)
    expect([answer.status, answer.json?.error]).toEqual([401, 'invalid_client'])
    // The document alone: what the header points at is never looked at.
    expect(fetched).toEqual([client_id])
    expect((await exchange(grant, { client_id, ...proof(await assert()) }, development)).status).toBe(200)
  })

  it('needs client_assertion_type, and may leave client_id out (RFC 7521 §4.2)', async () => {
    const { client_id, assert } = await published()
    const { grant } = await connectBy(client_id)
    const fields = { grant_type: 'authorization_code', code: grant.code, code_verifier: grant.verifier }
    const client_assertion = await assert()
    expect(await development.send('/token', form({ ...fields, client_assertion }))).toMatchObject({ status: 401 })
    expect(await development.send('/token', form({ ...fields, ...proof(client_assertion) }))).toMatchObject({
      status: 200,
    })
  })

  it('E17 that the document no longer asks for suspends the connection, with an event', async () => {
    const { client_id, assert, path } = await published()
    const { grant } = await connectBy(client_id)
    const tokens = tokensOf(await exchange(grant, { client_id, ...proof(await assert()) }, development))
    publish({}, path)
    const later = openHouse({ variables })
    const answer = await refresh(tokens.refresh_token, { client_id }, later)
    expect([answer.status, answer.json?.error]).toEqual([400, 'invalid_grant'])
    expect(await eventsOf(tokens.refresh_token)).toContain('client.metadata_changed')
  })
})
