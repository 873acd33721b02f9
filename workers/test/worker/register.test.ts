import { describe, expect, it } from 'vitest'
import { authorize, basic, exchange, form, house, openServer, refresh, tokensOf } from '../support/worker/flow.ts'
import { openHouse, silentStore } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'

const loopback = 'http://localhost:51004/callback'
const plain = { client_name: 'Some tool', redirect_uris: [loopback], token_endpoint_auth_method: 'none' }

function register(metadata: unknown, at = house, headers: Readonly<Record<string, string>> = {}) {
  const body = typeof metadata === 'string' ? metadata : JSON.stringify(metadata)
  return at.send('/register', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
}

type Registered = { client_id: string; client_secret: string; token_endpoint_auth_method: string }
const registered = async (change: Readonly<Record<string, unknown>> = {}) =>
  (await register({ ...plain, ...change })).json as unknown as Registered

describe('dynamic registration', () => {
  it('D11 answers 201 without null, never cached, readable from any origin (RFC 7591 §3.2.1)', async () => {
    const { status, text, headers, json } = await register({ ...plain, scope: '', contacts: [], resource: 'x' })
    expect([status, headers.get('cache-control'), headers.get('pragma')]).toEqual([201, 'no-store', 'no-cache'])
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(text).not.toContain('null')
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

  it('D1 D8 calls neither the database nor anybody else', async () => {
    const fetchUrl = () => Promise.reject(new Error('fetched'))
    const quiet = openHouse({ dependencies: { store: silentStore, clientDocuments: fetchUrl, keySets: fetchUrl } })
    const jwks_uri = 'https://169.254.169.254/keys'
    const answer = await register({ ...plain, token_endpoint_auth_method: 'private_key_jwt', jwks_uri }, quiet)
    expect([answer.status, quiet.calls]).toEqual([201, []])
  })

  it('D1 leaves the database as it is, however many register', async () => {
    const tables = 'select (select count(*) from mcp_data.clients) + (select count(*) from mcp_data.audit_events) as n'
    const before = await sql(tables)
    house.calls.length = 0
    for (let n = 0; n < 10_000; n += 100) {
      const answers = Array.from({ length: 100 }, (_value, place) =>
        register({ ...plain, client_name: `Tool ${n + place}` }),
      )
      expect((await Promise.all(answers)).every(({ status }) => status === 201)).toBe(true)
    }
    expect(house.calls).toEqual([])
    expect(await sql(tables)).toEqual(before)
  }, 120_000)

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
    ['D10', '[]', 400],
    ['D10', '"x"', 400],
    ['D10', '{', 400],
    ['D10', JSON.stringify({ ...plain, client_name: 'x'.repeat(20_000) }), 413],
  ])('%s refuses a body that is no small object: %s', async (_row, body, status) => {
    expect((await register(body)).status).toBe(status)
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

  it('D12 with an https redirect is shown as not verified, and lasts 7 days', async () => {
    const redirect_uri = 'https://app.example.net/cb'
    const { client_id } = await registered({ redirect_uris: [redirect_uri] })
    const { server_url } = await openServer()
    const { visitor } = await authorize({ client_id, redirect_uri, resource: server_url })
    const text =
      "select (refresh_expires_at - created_at) <= interval '7 days' as short from mcp_data.connections where client_id = $1"
    expect(await sql(text, [client_id])).toEqual([{ short: true }])
    expect(visitor.email).toContain('@')
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
