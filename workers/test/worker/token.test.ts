import { decodeJwt, decodeProtectedHeader } from 'jose'
import { beforeAll, expect, it } from 'vitest'
import { forgetClients } from '../../src/clients/find-client.ts'
import {
  authorize,
  connect,
  exchange,
  form,
  house,
  type Owner,
  openServer,
  refresh,
  tokensOf,
} from '../support/worker/flow.ts'
import { connectionOf } from '../support/worker/sql.ts'
import { clientId, redirectUri } from './requests.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

it('answers with access token, type, lifetime, scope and refresh token, and nothing null (RFC 6749 §5.1)', async () => {
  const answer = await exchange(await authorize({ resource: owner.server_url }))
  expect(answer.status).toBe(200)
  expect(Object.keys(answer.json ?? {}).sort()).toEqual([
    'access_token',
    'expires_in',
    'refresh_token',
    'scope',
    'token_type',
  ])
  expect(answer.json).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'files:read files:write' })
  expect(answer.text).not.toMatch(/[:[,]null/)
})

it('F22 is never cached, and is readable from any origin without credentials (RFC 6749 §5.1, F31)', async () => {
  const { headers } = await exchange(await authorize({ resource: owner.server_url }))
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('pragma')).toBe('no-cache')
  expect(headers.get('content-type')).toBe('application/json')
  expect(headers.get('access-control-allow-origin')).toBe('*')
  expect(headers.has('access-control-allow-credentials')).toBe(false)
  expect(headers.get('x-request-id')).toMatch(/^req_[0-9A-Za-z]{16}$/)
})

it('gives an access token of RFC 9068: at+jwt, ES256, one audience, no e-mail', async () => {
  const { access_token, visitor } = await connect(owner)
  expect(decodeProtectedHeader(access_token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' })
  const claims = decodeJwt(access_token)
  expect(claims).toMatchObject({
    iss: house.issuer,
    aud: owner.server_url,
    client_id: clientId,
    scope: 'files:read files:write',
  })
  expect(claims.exp).toBe((claims.iat ?? 0) + 3600)
  expect(claims.jti).toMatch(/^[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{16}$/)
  expect(JSON.stringify(claims)).not.toContain(visitor.email)
})

it('lives as long as the server chose (SECURITY §1)', async () => {
  const short = await openServer(['files:read'], { token_lifetime_seconds: 300 })
  const tokens = await connect(short, { scope: 'files:read' })
  expect(tokens.expires_in).toBe(300)
})

it('gives an ID token with the nonce when openid was granted (OpenID Connect Core §2, §3.1.3.3)', async () => {
  const tokens = await connect(owner, { scope: 'openid files:read', nonce: 'n-0S6_WzA2Mj' })
  const claims = decodeJwt(tokens.id_token ?? '')
  expect(decodeProtectedHeader(tokens.id_token ?? '')).toMatchObject({ alg: 'ES256', typ: 'JWT' })
  expect(claims).toMatchObject({ iss: house.issuer, aud: clientId, nonce: 'n-0S6_WzA2Mj' })
  expect(claims.sub).toBe(decodeJwt(tokens.access_token).sub)
  expect(claims.auth_time).toBeTypeOf('number')
})

it('takes a flat JSON object as well (HTTP-API, Conventions)', async () => {
  const { code, verifier: code_verifier } = await authorize({ resource: owner.server_url })
  const body = {
    grant_type: 'authorization_code',
    code,
    code_verifier,
    client_id: clientId,
    redirect_uri: redirectUri,
  }
  const headers = { 'content-type': 'application/json' }
  expect((await house.send('/token', { method: 'POST', headers, body: JSON.stringify(body) })).status).toBe(200)
})

it('F6 works without redirect_uri, which PKCE makes superfluous (OAuth 2.1 §4.1.3)', async () => {
  expect((await exchange(await authorize({ resource: owner.server_url }), { redirect_uri: undefined })).status).toBe(
    200,
  )
})

it('makes one database call, with a client that is known (ARCHITECTURE decision 1)', async () => {
  forgetClients()
  const grant = await authorize({ resource: owner.server_url })
  await exchange(grant, { code: 'mac_AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' })
  house.calls.length = 0
  await exchange(grant)
  expect(house.calls).toEqual(['exchange_authorization_code'])
})

it('rotates and names the scope, in one database call (OAuth 2.1 §4.3)', async () => {
  forgetClients()
  const first = await connect(owner)
  house.calls.length = 0
  const second = tokensOf(await refresh(first.refresh_token))
  expect(house.calls).toEqual(['rotate_refresh_token'])
  expect(second.refresh_token).not.toBe(first.refresh_token)
  expect(second.access_token).not.toBe(first.access_token)
  expect(second.scope).toBe('files:read files:write')
  expect(connectionOf(second.access_token)).toBe(connectionOf(first.access_token))
})

it('gives an ID token without nonce and with the same auth_time (OpenID Connect Core §12.2)', async () => {
  const first = await connect(owner, { scope: 'openid files:read', nonce: 'abc' })
  const second = tokensOf(await refresh(first.refresh_token))
  const [before, after] = [decodeJwt(first.id_token ?? ''), decodeJwt(second.id_token ?? '')]
  expect(after.nonce).toBeUndefined()
  expect([after.sub, after.auth_time]).toEqual([before.sub, before.auth_time])
})

it('carry error, error_description and error_uri, and the log has the reason (RFC 6749 §5.2)', async () => {
  const answer = await house.send('/token', form({ grant_type: 'password', client_id: clientId }))
  expect([answer.status, answer.json]).toEqual([
    400,
    {
      error: 'unsupported_grant_type',
      error_description: 'grant_type must be authorization_code or refresh_token',
      error_uri: `${house.issuer}/errors#grant_type_unsupported`,
    },
  ])
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(house.lines.at(-1)).toMatchObject({
    route: '/token',
    status: 400,
    reason: 'grant_type_unsupported',
    database_calls: 0,
  })
})

it('name an unknown client with 401 invalid_client, so that it registers again (INTEROP 4.6)', async () => {
  const { status, json, headers } = await refresh(`mrt_${'A'.repeat(22)}.1.${'A'.repeat(43)}`, {
    client_id: 'client_nobody',
  })
  expect([status, json?.error]).toEqual([401, 'invalid_client'])
  expect(headers.get('www-authenticate')).toMatch(/^Basic realm=/)
})

it('say which sign-in is over with 400 invalid_grant (INTEROP 4.6)', async () => {
  const { status, json } = await refresh(`mrt_${'A'.repeat(22)}.1.${'A'.repeat(43)}`)
  expect([status, json?.error]).toEqual([400, 'invalid_grant'])
})
