import { describe, expect, it } from 'vitest'
import { en as messages } from '../../src/pages/messages/en.ts'
import { stopClock } from '../support/worker/clients.ts'
import { authorize, basic, exchange, form, house, openServer, refresh, tokensOf } from '../support/worker/flow.ts'
import { openHouse, silentStore } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { authorizeUrl } from './requests.ts'
import { meetVisitor } from './visitor.ts'

// Colon and comma stand in no random value, as the four letters may.
const jsonNull = /[:[,]null/
const loopback = 'http://localhost:51004/callback'
const plain = { client_name: 'Some tool', redirect_uris: [loopback], token_endpoint_auth_method: 'none' }

function register(metadata: unknown, at = house, headers: Readonly<Record<string, string>> = {}) {
  const body = typeof metadata === 'string' ? metadata : JSON.stringify(metadata)
  return at.send('/register', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
}

/** Lets every call to the database through and notes its function. */
function spyOn(asked: string[]): typeof fetch {
  return (input, init) => {
    asked.push(new URL(input instanceof Request ? input.url : input).pathname.split('/').at(-1) ?? '')
    return fetch(input, init)
  }
}

type Registered = { client_id: string; client_secret: string; token_endpoint_auth_method: string }
const registered = async (change: Readonly<Record<string, unknown>> = {}) =>
  (await register({ ...plain, ...change })).json as unknown as Registered

describe('dynamic registration', () => {
  it('D11 answers 201 without null, never cached, readable from any origin (RFC 7591 §3.2.1)', async () => {
    const { status, text, headers, json } = await register({ ...plain, scope: '', contacts: [], resource: 'x' })
    expect([status, headers.get('cache-control'), headers.get('pragma')]).toEqual([201, 'no-store', 'no-cache'])
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(text).not.toMatch(jsonNull)
    expect(json).toEqual({
      client_id: expect.stringMatching(/^dcr_/),
      client_name: 'Some tool',
      redirect_uris: [loopback],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    })
  })

  it('leaves a log line as its event, because nobody is known yet (SECURITY §28)', async () => {
    const own = openHouse()
    await register(plain, own)
    await register({ ...plain, redirect_uris: [] }, own)
    expect(own.lines.map((line) => ('event' in line ? line.event : undefined))).toEqual([
      'client.registered',
      undefined,
    ])
  })

  it('D1 D8 writes nothing and calls nobody else: of the database it asks for the switches, once in ten seconds', async () => {
    stopClock()
    const toStrangers = () => Promise.reject(new Error('fetched'))
    const asked: string[] = []
    const network = { toStrangers, toDatabase: spyOn(asked) }
    const quiet = openHouse({ dependencies: { store: silentStore }, network })
    const jwks_uri = 'https://169.254.169.254/keys'
    for (const _ of [1, 2, 3]) {
      const answer = await register({ ...plain, token_endpoint_auth_method: 'private_key_jwt', jwks_uri }, quiet)
      expect([answer.status, quiet.calls]).toEqual([201, []])
    }
    expect(asked).toEqual(['read_switches'])
  })

  it('can be switched off; ids that were given out stay valid', async () => {
    const off = openHouse({ variables: { REGISTRATION: 'off' } })
    expect(await register(plain, off)).toMatchObject({ status: 403, json: { error: 'registration_not_supported' } })
    const metadata = (await off.send('/.well-known/oauth-authorization-server')).json
    expect(metadata).not.toHaveProperty('registration_endpoint')
  })

  it('D1 is limited for each address (SECURITY, Limits)', async () => {
    const binding = { limit: async () => ({ success: false }) }
    const variables = { ISSUER: 'https://mcp.example.com' }
    const limited = openHouse({ variables, bindings: { RATE_REGISTER: binding } })
    expect(await register(plain, limited, { 'cf-connecting-ip': '192.0.2.1' })).toMatchObject({ status: 429 })
  })

  it.each([
    ['[]', 400],
    ['"x"', 400],
    ['{', 400],
    ['', 400],
    [JSON.stringify({ ...plain, client_name: 'x'.repeat(20_000) }), 413],
  ])('D10 refuses a body that is no small object: %s', async (body, status) => {
    expect((await register(body)).status).toBe(status)
  })

  it('D10 gives up a megabyte in chunks, and one that nests without end', async () => {
    const chunk = new TextEncoder().encode(' '.repeat(1_024))
    let pulled = 0
    const body = new ReadableStream({
      pull: (controller) => (++pulled > 1_024 ? controller.close() : controller.enqueue(chunk)),
    })
    const headers = { 'content-type': 'application/json' }
    expect((await house.send('/register', { method: 'POST', headers, body })).status).toBe(413)
    expect(pulled).toBeLessThan(64)
    expect((await register(`${'['.repeat(8_000)}${']'.repeat(8_000)}`)).status).toBe(400)
  })

  it('D9 offers no management of registrations (RFC 7592)', async () => {
    expect(await registered()).not.toHaveProperty('registration_client_uri')
    expect((await house.send('/register/x')).status).toBe(404)
  })
})

describe('a client that registered itself', () => {
  it('connects without a secret, and refreshes, with nothing stored of it before', async () => {
    const { client_id } = await registered()
    const { server_url } = await openServer()
    const grant = await authorize({ client_id, resource: server_url })
    const tokens = tokensOf(await exchange(grant, { client_id }))
    expect((await refresh(tokens.refresh_token, { client_id })).status).toBe(200)
  })

  it.each([
    ['raw, as the TypeScript SDK', (text: string) => text],
    ['form-encoded', encodeURIComponent],
    [
      'form-encoded even where not needed, as oauth4webapi',
      (text: string) => encodeURIComponent(text).replace(/[-_.]/g, (c) => `%${c.charCodeAt(0).toString(16)}`),
    ],
  ])('authenticates by client_secret_basic, %s; client_id in the body as well (INTEROP 4.6)', async (_name, encode) => {
    const { client_id, client_secret, token_endpoint_auth_method } = await registered({
      token_endpoint_auth_method: undefined,
    })
    expect(token_endpoint_auth_method).toBe('client_secret_basic')
    const { server_url } = await openServer()
    const grant = await authorize({ client_id, resource: server_url })
    const body = {
      grant_type: 'authorization_code',
      code: grant.code,
      code_verifier: grant.verifier,
      client_id,
      redirect_uri: loopback,
    }
    const authorization = basic(encode(client_id), encode(client_secret))
    expect((await house.send('/token', form(body, { authorization }))).status).toBe(200)
  })

  it('F11 proves itself by the registered method and no other (SECURITY §26)', async () => {
    const { client_id, client_secret } = await registered({ token_endpoint_auth_method: 'client_secret_post' })
    const { server_url } = await openServer()
    const grant = await authorize({ client_id, resource: server_url })
    expect(await exchange(grant, { client_id })).toMatchObject({ status: 401, json: { error: 'invalid_client' } })
    expect(await exchange(grant, { client_id, client_secret: `${client_secret}x` })).toMatchObject({ status: 401 })
    const header = { authorization: basic(client_id, client_secret) }
    const body = { grant_type: 'authorization_code', code: grant.code, code_verifier: grant.verifier }
    expect(await house.send('/token', form(body, header))).toMatchObject({ status: 401 })
    expect((await exchange(grant, { client_id, client_secret })).status).toBe(200)
    const open = await registered()
    const other = await authorize({ client_id: open.client_id, resource: server_url })
    expect(await exchange(other, { client_id: open.client_id, client_secret })).toMatchObject({ status: 401 })
  })

  it('F12 presents one set of credentials (RFC 6749 §2.3)', async () => {
    const { client_id, client_secret } = await registered({ token_endpoint_auth_method: 'client_secret_post' })
    const { server_url } = await openServer()
    const { code, verifier: code_verifier } = await authorize({ client_id, resource: server_url })
    const body = { grant_type: 'authorization_code', code, code_verifier, client_id, client_secret }
    const headers = { authorization: basic(client_id, client_secret) }
    expect(await house.send('/token', form(body, headers))).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    })
  })

  it('D12 with an https redirect is shown as not verified, with the host it returns to, and lasts 7 days', async () => {
    const redirect_uri = 'https://app.example.net/cb'
    const { client_id } = await registered({ redirect_uris: [redirect_uri] })
    const owner = await openServer()
    const visitor = meetVisitor()
    const page = await visitor.signIn(
      await visitor.open(authorizeUrl({ client_id, redirect_uri, resource: owner.server_url })),
    )
    expect(page.text).toContain(messages.consent.name_not_verified)
    expect(page.text).toContain(messages.consent.name_not_verified_help)
    expect(page.text).toContain('<span class="host-rest">app.</span>example.net')
    await authorize({ client_id, redirect_uri, resource: owner.server_url })
    const text =
      "select (refresh_expires_at - created_at) <= interval '7 days' as short from mcp_data.connections where client_id = $1"
    expect(await sql(text, [client_id])).toEqual([{ short: true }])
  })

  it('D12 A36 may be refused by the owner of a server: at once, for a code that is out, and at the next refresh', async () => {
    const { client_id } = await registered()
    const { server_url, server_id, management_token } = await openServer()
    const allow = async (client_policy: string) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${management_token}` }
      const body = JSON.stringify({ client_policy })
      expect((await house.send(`/api/servers/${server_id}`, { method: 'PATCH', headers, body })).status).toBe(200)
    }
    const connected = tokensOf(await exchange(await authorize({ client_id, resource: server_url }), { client_id }))
    const waiting = await authorize({ client_id, resource: server_url })
    await allow('not_dynamic')
    const answer = await meetVisitor().open(authorizeUrl({ client_id, resource: server_url }))
    expect(answer.location?.searchParams.get('error')).toBe('unauthorized_client')
    expect((await exchange(waiting, { client_id })).json?.error).toBe('invalid_grant')
    expect((await refresh(connected.refresh_token, { client_id })).json?.error).toBe('invalid_grant')
    await allow('any')
    expect((await refresh(connected.refresh_token, { client_id })).status).toBe(200)
  })

  it('D6 that was changed by a letter is unknown: a page at authorize, 401 at the token endpoint', async () => {
    const { client_id } = await registered()
    const forged = `${client_id.slice(0, -2)}${client_id.endsWith('AA') ? 'BB' : 'AA'}`
    const page = await house.send(`/authorize?response_type=code&client_id=${forged}&redirect_uri=${loopback}`)
    expect([page.status, page.headers.get('location')]).toEqual([400, null])
    const { code, verifier } = await authorize({ resource: (await openServer()).server_url })
    expect(await exchange({ code, verifier }, { client_id: forged })).toMatchObject({
      status: 401,
      json: { error: 'invalid_client' },
    })
  })
})
