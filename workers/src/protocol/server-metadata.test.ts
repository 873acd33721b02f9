import { describe, expect, it } from 'vitest'
import { managementResourceMetadata, protectedResourceMetadata } from './protected-resource-metadata.ts'
import { isGrantType } from './server-capabilities.ts'
import { authorizationServerMetadata } from './server-metadata.ts'

const issuer = 'https://as.test'

describe('authorization server metadata', () => {
  const metadata = authorizationServerMetadata(issuer, { registrationIsOn: true, uiLocales: ['en', 'de'] })

  it('names the issuer byte for byte and https endpoints below it (RFC 8414 §2)', () => {
    expect(metadata.issuer).toBe(issuer)
    for (const [name, value] of Object.entries(metadata)) {
      if (name.endsWith('_endpoint') || name === 'jwks_uri') expect(value).toMatch(/^https:\/\/as\.test\//)
    }
  })

  it('A11 A14 K12 lists code, query and S256 alone', () => {
    expect(metadata.response_types_supported).toEqual(['code'])
    expect(metadata.response_modes_supported).toEqual(['query'])
    expect(metadata.code_challenge_methods_supported).toEqual(['S256'])
    expect(metadata.grant_types_supported.every(isGrantType)).toBe(true)
    expect(isGrantType('password')).toBe(false)
  })

  it('K12 lists every way a client may authenticate, and `none` for those that need none (INTEROP 4.1)', () => {
    expect(metadata.token_endpoint_auth_methods_supported).toEqual([
      'none',
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ])
    expect(metadata.token_endpoint_auth_signing_alg_values_supported).toEqual([
      'ES256',
      'RS256',
      'PS256',
      'Ed25519',
      'EdDSA',
    ])
    expect(metadata.client_id_metadata_document_supported).toBe(true)
  })

  it('names the languages of the pages (RFC 8414 §2)', () => {
    expect(metadata.ui_locales_supported).toEqual(['en', 'de'])
  })

  it('names the registration endpoint only where it is open (RFC 8414 §2)', () => {
    expect(metadata.registration_endpoint).toBe('https://as.test/register')
    const closed = authorizationServerMetadata(issuer, { registrationIsOn: false, uiLocales: ['en'] })
    expect(closed).not.toHaveProperty('registration_endpoint')
  })

  it('A21 says that answers carry iss (RFC 9207 §3)', () => {
    expect(metadata.authorization_response_iss_parameter_supported).toBe(true)
  })

  it('lists only the identity scopes, because clients ask for the whole list', () => {
    expect(metadata.scopes_supported).toEqual(['openid', 'profile', 'email', 'offline_access'])
  })

  it('K12 says that ID tokens are ES256 and that requests never come by reference (OpenID Connect Discovery §3)', () => {
    expect(metadata.id_token_signing_alg_values_supported).toEqual(['ES256'])
    expect(metadata.request_uri_parameter_supported).toBe(false)
  })
})

describe('protected resource metadata', () => {
  it('is for this API (RFC 9728 §2)', () => {
    expect(managementResourceMetadata(issuer)).toMatchObject({
      resource: 'https://as.test/api',
      authorization_servers: [issuer],
      scopes_supported: ['servers:read', 'servers:write', 'keys:write'],
    })
  })

  it('J9 of a server names its own registration, and never offline_access', () => {
    const server = { server_id: 'srv_a', resource: 'https://h.test/mcp', server_name: 'Files', scopes: ['files:read'] }
    expect(protectedResourceMetadata(server, issuer)).toEqual({
      resource: 'https://h.test/mcp',
      authorization_servers: [issuer],
      scopes_supported: ['files:read'],
      bearer_methods_supported: ['header'],
      resource_name: 'Files',
      auth_agent_server_id: 'srv_a',
    })
  })
})
