import { describe, expect, it } from 'vitest'
import { registerServer } from './owner.ts'
import { at } from './place.ts'
import {
  answerOf,
  basic,
  clientId,
  connect,
  exchange,
  grantedCode,
  introspect,
  otherClientId,
  post,
  redirectUri,
} from './program.ts'

const refusal = ({ status, body }: { status: number; body: Record<string, unknown> }) => [status, body.error]

describe('the token endpoint', () => {
  it('takes POST only [rfc6749-3.2-post]', async () => {
    expect((await fetch(at('/token?grant_type=authorization_code'))).status).toBe(405)
  })

  it('does not read the request URI [rfc6749-2.3.1-not-in-uri]', async () => {
    const { code, verifier } = await grantedCode()
    const url = at('/token')
    url.search = new URLSearchParams({ grant_type: 'authorization_code', code, code_verifier: verifier }).toString()
    const body = new URLSearchParams({ client_id: clientId, redirect_uri: redirectUri })
    expect(refusal(await answerOf(await fetch(url, { method: 'POST', body })))).toEqual([400, 'invalid_request'])
  })

  it('refuses a missing or repeated parameter, not an empty or unknown one [rfc6749-5.2-invalid-request] [rfc6749-3.2-repeated] [rfc6749-3.2-empty] [rfc6749-3.2-unknown]', async () => {
    const granted = await grantedCode()
    expect(refusal(await exchange(granted, { code: undefined }))).toEqual([400, 'invalid_request'])
    const repeated = new URLSearchParams({ grant_type: 'authorization_code', code: granted.code, client_id: clientId })
    repeated.append('code', 'another')
    const twice = await fetch(at('/token'), { method: 'POST', body: repeated })
    expect(refusal(await answerOf(twice))).toEqual([400, 'invalid_request'])
    expect((await exchange(granted, { scope: '', unheard_of: 'x' })).status).toBe(200)
  })

  it('knows two grants [rfc6749-5.2-unsupported-grant-type] [rfc9700-2.4-no-password]', async () => {
    for (const grant_type of ['password', 'client_credentials', 'urn:example:other']) {
      const answer = await answerOf(
        await post('/token', { grant_type, client_id: clientId, username: 'a', password: 'b' }),
      )
      expect(refusal(answer)).toEqual([400, 'unsupported_grant_type'])
    }
  })

  it('refuses an unknown client, with a challenge where it used Basic [rfc6749-5.2-invalid-client] [rfc6749-5.2-basic-challenge]', async () => {
    const { refresh_token } = await connect()
    const grant = { grant_type: 'refresh_token', refresh_token }
    const named = await answerOf(await post('/token', { ...grant, client_id: 'client_nobody' }))
    expect(refusal(named)).toEqual([401, 'invalid_client'])
    const authenticated = await answerOf(await post('/token', grant, basic('client_nobody', 'secret')))
    expect(refusal(authenticated)).toEqual([401, 'invalid_client'])
    expect(authenticated.headers.get('www-authenticate')).toMatch(/^Basic /)
  })
})

describe('exchanging a code', () => {
  it('gives a bearer token as JSON that no cache keeps [rfc6749-5.1-answer] [rfc6749-5.1-expires-in] [rfc6749-5.1-no-store]', async () => {
    const { answer } = await connect()
    expect(answer.body).toMatchObject({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
    })
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(answer.headers.get('cache-control')).toContain('no-store')
  })

  it('states the scope that was granted [rfc6749-3.3-granted-scope]', async () => {
    const server = await registerServer()
    const { answer } = await connect({ scope: 'files:read calendar:read' }, { server })
    expect(answer.body.scope).toBe('files:read')
  })

  it('works once, and a second time ends what the first gave [rfc6749-4.1.2-single-use] [rfc6749-4.1.2-replay]', async () => {
    const connected = await connect()
    expect((await introspect(connected.server, connected.access_token)).body.active).toBe(true)
    expect(refusal(await exchange(connected))).toEqual([400, 'invalid_grant'])
    expect((await introspect(connected.server, connected.access_token)).body).toEqual({ active: false })
  })

  it('works only for the client and redirect URI of the request [rfc6749-4.1.3-client] [rfc6749-4.1.3-redirect-uri]', async () => {
    const granted = await grantedCode()
    expect(refusal(await exchange(granted, { client_id: otherClientId }))).toEqual([400, 'invalid_grant'])
    const elsewhere = redirectUri.replace('33418', '33419')
    expect(refusal(await exchange(granted, { redirect_uri: elsewhere }))).toEqual([400, 'invalid_grant'])
    expect((await exchange(granted)).status).toBe(200)
  })

  it('needs the verifier [rfc7636-4.6-verify] [rfc7636-4.1-verifier] [oauth21-4.1.3-verifier]', async () => {
    const granted = await grantedCode()
    expect(refusal(await exchange(granted, { code_verifier: 'w'.repeat(43) }))).toEqual([400, 'invalid_grant'])
    expect(refusal(await exchange(granted, { code_verifier: undefined }))[0]).toBe(400)
    for (const code_verifier of ['w'.repeat(42), 'w'.repeat(129), `${'w'.repeat(42)}!`]) {
      expect((await exchange(granted, { code_verifier })).status).toBe(400)
    }
    expect((await exchange(granted)).status).toBe(200)
  })

  it('refuses a code it never issued [rfc6749-5.2-invalid-grant]', async () => {
    const granted = await grantedCode()
    const invented = `${granted.code.slice(0, -4)}AAAA`
    expect(refusal(await exchange(granted, { code: invented }))).toEqual([400, 'invalid_grant'])
    expect(refusal(await exchange(granted, { code: 'nonsense' }))).toEqual([400, 'invalid_grant'])
  })

  it('is bound to one resource [rfc8707-2-audience] [rfc8707-2.2-token-resource] [rfc9700-2.3-audience]', async () => {
    const granted = await grantedCode()
    const other = await registerServer()
    expect(refusal(await exchange(granted, { resource: other.server_url }))).toEqual([400, 'invalid_target'])
    const { body } = await exchange(granted)
    expect((await introspect(granted.server, body.access_token)).body.aud).toBe(granted.server.server_url)
  })

  it('answers browser scripts, without credentials [rfc7009-2.3-cors] [oidc-core-5.3-cors]', async () => {
    for (const path of ['/token', '/revoke', '/userinfo']) {
      const headers = {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, mcp-protocol-version',
      }
      const preflight = await fetch(at(path), { method: 'OPTIONS', headers })
      expect([path, preflight.ok, preflight.headers.get('access-control-allow-origin')]).toEqual([path, true, '*'])
      expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('mcp-protocol-version')
      expect(preflight.headers.has('access-control-allow-credentials')).toBe(false)
    }
  })
})
