import { decodeProtectedHeader, type JWK, jwtVerify } from 'jose'
import { expect, it } from 'vitest'
import { basic, connect, form, house, openServer } from '../support/worker/flow.ts'
import { callApi } from './api-requests.ts'

const jwks = async () => JSON.parse((await house.send('/.well-known/jwks.json')).text) as { keys: JWK[] }
const accept = 'application/token-introspection+jwt'

async function introspectSigned(owner: Awaited<ReturnType<typeof openServer>>, token: string) {
  const headers = { authorization: basic(owner.server_id, owner.key_secret), accept }
  return house.send('/introspect', form({ token }, headers))
}

it('the same answer, signed for the key that asked (RFC 9701 §5)', async () => {
  const owner = await openServer()
  const { access_token } = await connect(owner)
  const { status, headers, text } = await introspectSigned(owner, access_token)
  expect([status, headers.get('content-type')]).toEqual([200, accept])
  expect(decodeProtectedHeader(text)).toMatchObject({ typ: 'token-introspection+jwt', alg: 'ES256' })
  const [key] = (await jwks()).keys
  const { payload } = await jwtVerify(text, key ?? {}, { issuer: house.issuer, audience: owner.key_id })
  const plain = await house.send(
    '/introspect',
    form({ token: access_token }, { authorization: basic(owner.server_id, owner.key_secret) }),
  )
  expect(payload.token_introspection).toEqual(plain.json)
  expect(Object.keys(payload).toSorted()).toEqual(['aud', 'iat', 'iss', 'token_introspection'])
})

it('H3 what is not active is signed too, in the one form', async () => {
  const owner = await openServer()
  const { text } = await introspectSigned(owner, 'nonsense')
  const [key] = (await jwks()).keys
  expect((await jwtVerify(text, key ?? {})).payload.token_introspection).toEqual({ active: false })
})

it('is no access token, whoever presents it (RFC 9701 §8.1, RFC 8725 §3.11)', async () => {
  const owner = await openServer()
  const tokens = await connect(owner)
  const { text } = await introspectSigned(owner, tokens.access_token)
  expect((await callApi('GET', '/api/servers', text)).status).toBe(401)
  expect((await house.send('/userinfo', { headers: { authorization: `Bearer ${text}` } })).status).toBe(401)
})

it('is told in the metadata (RFC 9701 §7)', async () => {
  const { json } = await house.send('/.well-known/oauth-authorization-server')
  expect(json?.introspection_signing_alg_values_supported).toEqual(['ES256'])
})
