import { describe, expect, it } from 'vitest'
import { at, place } from './place.ts'

type Metadata = Record<string, unknown>

async function read(path: string): Promise<{ response: Response; metadata: Metadata }> {
  const response = await fetch(at(path))
  return { response, metadata: (await response.json()) as Metadata }
}

const oauth = () => read('/.well-known/oauth-authorization-server')
const openid = () => read('/.well-known/openid-configuration')

describe('discovery', () => {
  it('serves its metadata as JSON at the well-known path [rfc8414-3-well-known] [mcp-2026-07-discovery] [mcp-2025-06-rfc8414]', async () => {
    const { response } = await oauth()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  })

  it('names the issuer by the URL it was asked at [rfc8414-2-issuer] [rfc8414-3.3-issuer]', async () => {
    const { metadata } = await oauth()
    expect(metadata.issuer).toBe(place.issuer)
    const { search, hash } = new URL(String(metadata.issuer))
    expect([search, hash]).toEqual(['', ''])
  })

  it('names endpoints that answer [rfc8414-2-endpoints]', async () => {
    const { metadata } = await oauth()
    const authorization = await fetch(String(metadata.authorization_endpoint), { redirect: 'manual' })
    expect(authorization.status).toBe(400)
    const token = await fetch(String(metadata.token_endpoint), { method: 'POST', body: new URLSearchParams() })
    expect(((await token.json()) as Metadata).error).toBe('invalid_request')
  })

  it('gives codes and nothing else in an authorization response [rfc8414-2-response-types] [rfc9700-2.1.2-no-implicit] [mcp-2026-07-oauth21]', async () => {
    const { metadata } = await oauth()
    expect(metadata.response_types_supported).toEqual(['code'])
    expect(metadata.grant_types_supported).toEqual(['authorization_code', 'refresh_token'])
  })

  it('publishes its signing keys without their private part [rfc8414-2-jwks]', async () => {
    const { metadata } = await oauth()
    const { keys } = (await (await fetch(String(metadata.jwks_uri))).json()) as { keys: Metadata[] }
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) {
      expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: expect.any(String) })
      expect(key).not.toHaveProperty('d')
    }
  })

  it('names revocation, introspection and userinfo [rfc8414-2-optional-endpoints]', async () => {
    const { metadata } = await oauth()
    for (const name of ['revocation_endpoint', 'introspection_endpoint', 'userinfo_endpoint']) {
      expect(String(metadata[name])).toMatch(new RegExp(`^${place.issuer}/`))
    }
    expect(metadata.token_endpoint_auth_methods_supported).toContain('none')
    expect(metadata.introspection_endpoint_auth_methods_supported).toContain('client_secret_basic')
  })

  it('offers PKCE with S256 alone [rfc8414-2-pkce] [oauth21-4.1.1-s256]', async () => {
    expect((await oauth()).metadata.code_challenge_methods_supported).toEqual(['S256'])
  })

  it('has nothing empty in its metadata [rfc8414-3.2-no-empty]', async () => {
    const empty = (value: unknown) => value === null || value === '' || (Array.isArray(value) && value.length === 0)
    for (const { metadata } of [await oauth(), await openid()]) {
      expect(Object.entries(metadata).filter(([, value]) => empty(value))).toEqual([])
    }
  })

  it('promises iss in every authorization response [rfc9207-3-metadata] [mcp-2026-07-iss-advertised]', async () => {
    expect((await oauth()).metadata.authorization_response_iss_parameter_supported).toBe(true)
  })

  it('serves an OpenID configuration with all that is required [oidc-discovery-4-well-known] [oidc-discovery-3-required]', async () => {
    const { response, metadata } = await openid()
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(metadata).toMatchObject({
      issuer: place.issuer,
      authorization_endpoint: expect.any(String),
      token_endpoint: expect.any(String),
      jwks_uri: expect.any(String),
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    })
  })

  it('lists the identity scopes [oidc-discovery-3-openid-scope] [mcp-2026-07-refresh-offline-access]', async () => {
    const { scopes_supported } = (await openid()).metadata
    expect(scopes_supported).toEqual(expect.arrayContaining(['openid', 'email', 'offline_access']))
  })

  it('lists the PKCE methods in the OpenID configuration too [mcp-2026-07-code-challenge-methods] [mcp-2025-11-oidc-pkce]', async () => {
    expect((await openid()).metadata.code_challenge_methods_supported).toEqual(['S256'])
  })
})
