import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import type { authorizationServerMetadata } from '../../src/protocol/server-metadata.ts'
import { newSigner, nowSeconds, openDevelopment, proof, publish } from '../support/worker/clients.ts'
import {
  authorize,
  basic,
  connect,
  exchange,
  form,
  house,
  isActive,
  openServer,
  refresh,
  type Tokens,
  tokensOf,
  userinfo,
} from '../support/worker/flow.ts'
import { type Answer, openHouse } from '../support/worker/house.ts'
import { passkeyOwner, usePasskey } from '../support/worker/passkeys.ts'
import { sql } from '../support/worker/sql.ts'
import { authorizeUrl, type Fields, redirectUri } from '../worker/requests.ts'
import { meetVisitor, type Visitor } from '../worker/visitor.ts'

type Metadata = ReturnType<typeof authorizationServerMetadata>

const oauth = (await house.send('/.well-known/oauth-authorization-server')).json as unknown as Required<Metadata>
const openid = (await house.send('/.well-known/openid-configuration')).json as unknown as Required<Metadata>
const { issuer } = house
const owner = await openServer()
const json = { 'content-type': 'application/json' }

/** The path of an advertised endpoint: what is walked is what the document names. */
const pathOf = (name: keyof Metadata): string => String(oauth[name]).slice(issuer.length)

/** The error that an authorization request is answered with, or the page that it leads to. */
async function authorizing(fields: Fields): Promise<string> {
  const answer = await meetVisitor().open(authorizeUrl({ resource: owner.server_url, ...fields }))
  return answer.location?.searchParams.get('error') ?? `page ${answer.status}`
}

const claimsOf = (token: string | undefined) => decodeJwt(token ?? '')

type Credential = { readonly fields: Fields; readonly headers: Record<string, string> }
type Known = { readonly client_id: string; readonly credential: () => Promise<Credential> }

/** A client that registered this method, and what it sends to prove itself. */
async function clientOf(method: string, alg = 'ES256'): Promise<Known> {
  const signer = await newSigner(alg)
  const keys = method === 'private_key_jwt' ? { jwks: { keys: [signer.jwk] } } : {}
  const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: method, ...keys })
  const answer = await house.send(pathOf('registration_endpoint'), { method: 'POST', headers: json, body })
  if (answer.status !== 201) throw new Error(`${method}: ${answer.text}`)
  const { client_id = '', client_secret = '' } = answer.json as Record<string, string>
  const credentials: Record<string, () => Promise<Credential>> = {
    none: async () => ({ fields: { client_id }, headers: {} }),
    client_secret_post: async () => ({ fields: { client_id, client_secret }, headers: {} }),
    client_secret_basic: async () => ({
      fields: { client_id: undefined },
      headers: { authorization: basic(client_id, client_secret) },
    }),
    private_key_jwt: async () => ({ fields: { client_id, ...proof(await signer.assert(client_id)) }, headers: {} }),
  }
  const credential = credentials[method]
  if (credential === undefined) throw new Error(`no test knows how ${method} is presented`)
  return { client_id, credential }
}

async function post(name: keyof Metadata, client: Known, fields: Fields): Promise<Answer> {
  const { fields: own, headers } = await client.credential()
  return house.send(pathOf(name), form({ ...fields, ...own }, headers))
}

async function tokensFor(client: Known): Promise<Tokens> {
  const { code, verifier } = await authorize({ client_id: client.client_id, resource: owner.server_url })
  const fields = { grant_type: 'authorization_code', code, code_verifier: verifier }
  return tokensOf(await post('token_endpoint', client, fields))
}

async function eachWorks(values: readonly string[], works: (value: string) => Promise<void>): Promise<void> {
  expect(values.length).toBeGreaterThan(0)
  for (const value of values) await works(value)
}

async function registrationOf(method: string): Promise<number> {
  const jwks_uri = 'https://a.dev/keys'
  const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: method, jwks_uri })
  return (await house.send(pathOf('registration_endpoint'), { method: 'POST', headers: json, body })).status
}

const unknownMethods = ['client_secret_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'attest_jwt_client_auth']

/** A signature that verifies, by an algorithm that is not on the list. */
async function assertionBy(alg: string, client_id: string): Promise<string> {
  const claims = { iss: client_id, sub: client_id, aud: issuer, jti: crypto.randomUUID(), exp: nowSeconds() + 60 }
  if (!alg.startsWith('HS')) return (await newSigner(alg)).assert(client_id)
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new Uint8Array(64))
}

async function signingAlgorithms(values: readonly string[]): Promise<void> {
  await eachWorks(values, async (alg) => {
    expect((await tokensFor(await clientOf('private_key_jwt', alg))).access_token, alg).toBeDefined()
  })
  for (const alg of ['ES384', 'ES512', 'RS384', 'RS512', 'PS384', 'PS512', 'HS256', 'HS512']) {
    expect(values).not.toContain(alg)
    const { client_id } = await clientOf('private_key_jwt')
    const { code, verifier } = await authorize({ client_id, resource: owner.server_url })
    const answer = await exchange({ code, verifier }, { client_id, ...proof(await assertionBy(alg, client_id)) })
    expect([alg, answer.status, answer.json?.error]).toEqual([alg, 401, 'invalid_client'])
  }
}

/** Every advertised value is used for what it is advertised for, and values that are not advertised are refused. */
const walks: Readonly<Record<keyof Metadata, () => Promise<void>>> = {
  issuer: async () => {
    expect(oauth.issuer).toBe(issuer)
    expect(claimsOf((await connect(owner)).access_token).iss).toBe(issuer)
  },
  authorization_endpoint: async () => {
    const { search } = authorizeUrl({ resource: owner.server_url })
    expect((await house.send(`${pathOf('authorization_endpoint')}${search}`)).status).toBe(200)
  },
  token_endpoint: async () => {
    expect((await tokensFor(await clientOf('none'))).token_type).toBe('Bearer')
  },
  registration_endpoint: async () => {
    expect(await registrationOf('none')).toBe(201)
    const off = openHouse({ variables: { REGISTRATION: 'off' } })
    expect((await off.send('/.well-known/openid-configuration')).json).not.toHaveProperty('registration_endpoint')
    expect((await off.send('/register', { method: 'POST', headers: json, body: '{}' })).status).toBe(403)
  },
  client_id_metadata_document_supported: async () => {
    expect(oauth.client_id_metadata_document_supported).toBe(true)
    const url = authorizeUrl({ client_id: await publish(), resource: owner.server_url })
    expect((await openDevelopment().send(url.href)).status).toBe(200)
  },
  jwks_uri: async () => {
    const keys = createLocalJWKSet((await house.send(pathOf('jwks_uri'))).json as unknown as JSONWebKeySet)
    const { access_token, id_token = '' } = await connect(owner, { scope: 'openid files:read' })
    for (const token of [access_token, id_token]) expect((await jwtVerify(token, keys)).payload.iss).toBe(issuer)
  },
  scopes_supported: async () => {
    await eachWorks(oauth.scopes_supported, async (scope) => {
      expect((await connect(owner, { scope: `files:read ${scope}` })).scope.split(' ')).toContain(scope)
    })
    for (const scope of ['address', 'phone', 'servers:write', 'x']) {
      expect(oauth.scopes_supported).not.toContain(scope)
      expect(await authorizing({ scope })).toBe('invalid_scope')
    }
  },
  ui_locales_supported: async () => {
    const shown = async (ui_locales: string) => {
      const { text } = await house.send(authorizeUrl({ resource: owner.server_url, ui_locales }).href)
      return /<html lang="([^"]+)"/.exec(text)?.[1]
    }
    await eachWorks(oauth.ui_locales_supported, async (language) => expect(await shown(language)).toBe(language))
    expect(oauth.ui_locales_supported).not.toContain('fr')
    expect(await shown('fr')).toBe('en')
  },
  response_types_supported: async () => {
    await eachWorks(oauth.response_types_supported, async (response_type) => {
      expect((await authorize({ response_type, resource: owner.server_url })).code).toMatch(/^mac_/)
    })
    for (const response_type of ['token', 'id_token', 'code token', 'code id_token', 'none', 'CODE']) {
      expect(await authorizing({ response_type })).toBe('unsupported_response_type')
    }
  },
  response_modes_supported: async () => {
    await eachWorks(oauth.response_modes_supported, async (response_mode) => {
      expect((await authorize({ response_mode, resource: owner.server_url })).code).toMatch(/^mac_/)
    })
    for (const response_mode of ['fragment', 'form_post', 'web_message', 'query.jwt', 'jwt']) {
      expect(await authorizing({ response_mode })).toBe('invalid_request')
    }
  },
  grant_types_supported: async () => {
    const tokens = await connect(owner)
    const works: Record<string, () => Promise<unknown>> = {
      authorization_code: async () => tokens.access_token,
      refresh_token: async () => tokensOf(await refresh(tokens.refresh_token)).access_token,
    }
    await eachWorks(oauth.grant_types_supported, async (grant_type) => {
      expect(await works[grant_type]?.(), grant_type).toMatch(/^eyJ/)
    })
    const urn = 'urn:ietf:params:oauth:grant-type:'
    const others = ['jwt-bearer', 'device_code', 'token-exchange', 'saml2-bearer'].map((name) => `${urn}${name}`)
    for (const grant_type of ['implicit', 'password', 'client_credentials', ...others]) {
      const answer = await house.send(pathOf('token_endpoint'), form({ grant_type, client_id: 'client_claude_code' }))
      expect([grant_type, answer.json?.error]).toEqual([grant_type, 'unsupported_grant_type'])
    }
  },
  token_endpoint_auth_methods_supported: async () => {
    await eachWorks(oauth.token_endpoint_auth_methods_supported, async (method) => {
      const client = await clientOf(method)
      const { refresh_token } = await tokensFor(client)
      const again = await post('token_endpoint', client, { grant_type: 'refresh_token', refresh_token })
      expect([method, again.status]).toEqual([method, 200])
    })
    for (const method of unknownMethods) expect([method, await registrationOf(method)]).toEqual([method, 400])
  },
  token_endpoint_auth_signing_alg_values_supported: () =>
    signingAlgorithms(oauth.token_endpoint_auth_signing_alg_values_supported),
  code_challenge_methods_supported: async () => {
    await eachWorks(oauth.code_challenge_methods_supported, async (code_challenge_method) => {
      const grant = await authorize({ code_challenge_method, resource: owner.server_url })
      expect((await exchange(grant)).status).toBe(200)
    })
    for (const code_challenge_method of ['plain', 's256', 'S512', undefined]) {
      expect(await authorizing({ code_challenge_method })).toBe('invalid_request')
    }
  },
  revocation_endpoint: async () => {
    const client = await clientOf('none')
    const { access_token, refresh_token } = await tokensFor(client)
    expect((await post('revocation_endpoint', client, { token: refresh_token })).status).toBe(200)
    expect(await isActive(owner, access_token)).toBe(false)
  },
  revocation_endpoint_auth_methods_supported: async () => {
    await eachWorks(oauth.revocation_endpoint_auth_methods_supported, async (method) => {
      const client = await clientOf(method)
      const { access_token } = await tokensFor(client)
      const { client_id } = client
      if (method !== 'none') {
        const unproven = await house.send(pathOf('revocation_endpoint'), form({ token: access_token, client_id }))
        expect([method, unproven.status]).toEqual([method, 401])
      }
      expect((await post('revocation_endpoint', client, { token: access_token })).status).toBe(200)
      expect([method, await isActive(owner, access_token)]).toEqual([method, false])
    })
    const asServer = { authorization: `Bearer ${owner.key_secret}` }
    expect((await house.send(pathOf('revocation_endpoint'), form({ token: 'x' }, asServer))).status).toBe(401)
  },
  revocation_endpoint_auth_signing_alg_values_supported: async () => {
    await eachWorks(oauth.revocation_endpoint_auth_signing_alg_values_supported, async (alg) => {
      const client = await clientOf('private_key_jwt', alg)
      expect([alg, (await post('revocation_endpoint', client, { token: 'unknown' })).status]).toEqual([alg, 200])
    })
  },
  introspection_endpoint: async () => {
    expect(await isActive(owner, (await connect(owner)).access_token)).toBe(true)
  },
  introspection_signing_alg_values_supported: async () => {
    const headers = {
      authorization: basic(owner.server_id, owner.key_secret),
      accept: 'application/token-introspection+jwt',
    }
    const { text } = await house.send(pathOf('introspection_endpoint'), form({ token: 'x' }, headers))
    const { alg } = JSON.parse(atob(text.split('.')[0] ?? '')) as { alg: string }
    expect(oauth.introspection_signing_alg_values_supported).toEqual([alg])
  },
  introspection_endpoint_auth_methods_supported: async () => {
    const { access_token: token } = await connect(owner)
    const { server_id, key_secret } = owner
    const headers: Record<string, Record<string, string>> = {
      client_secret_basic: { authorization: basic(server_id, key_secret) },
      Bearer: { authorization: `Bearer ${key_secret}` },
    }
    const path = pathOf('introspection_endpoint')
    await eachWorks(oauth.introspection_endpoint_auth_methods_supported, async (method) => {
      const answer = await house.send(path, form({ token }, headers[method] ?? {}))
      expect([method, answer.json?.active]).toEqual([method, true])
    })
    const inBody = { client_id: server_id, client_secret: key_secret }
    expect((await house.send(path, form({ token, ...inBody }))).status).toBe(401)
    expect((await house.send(path, form({ token, client_id: server_id }))).status).toBe(401)
  },
  authorization_response_iss_parameter_supported: async () => {
    expect(oauth.authorization_response_iss_parameter_supported).toBe(true)
    const visitor = meetVisitor()
    const refused = await visitor.open(authorizeUrl({ response_type: 'token' }))
    expect(refused.location?.searchParams.getAll('iss')).toEqual([issuer])
    const consent = await visitor.signIn(await visitor.open(authorizeUrl({ resource: owner.server_url })))
    const approved = await visitor.submit(consent, '/consent', { decision: 'approve', scope: ['files:read'] })
    expect(approved.location?.searchParams.getAll('iss')).toEqual([issuer])
  },
  userinfo_endpoint: async () => {
    const { access_token } = await connect(owner, { scope: 'openid files:read' })
    const headers = { authorization: `Bearer ${access_token}` }
    expect((await house.send(pathOf('userinfo_endpoint'), { headers })).json).toHaveProperty('sub')
  },
  subject_types_supported: async () => {
    expect(oauth.subject_types_supported).toEqual(['public'])
    const visitor = meetVisitor()
    const subjects = new Set<unknown>()
    for (const server of [owner, await openServer()]) {
      subjects.add(claimsOf((await connect(server, {}, visitor)).access_token).sub)
    }
    expect(subjects.size).toBe(1)
  },
  id_token_signing_alg_values_supported: async () => {
    const { id_token = '' } = await connect(owner, { scope: 'openid files:read' })
    expect(oauth.id_token_signing_alg_values_supported).toEqual([decodeProtectedHeader(id_token).alg])
  },
  claims_supported: async () => {
    const scope = 'openid profile email files:read'
    const { visitor: person, authenticator } = await passkeyOwner()
    const visitor = meetVisitor()
    await usePasskey(visitor, await visitor.open('/sign-in'), authenticator)
    const { access_token, id_token } = await connect(owner, { scope, nonce: 'a-nonce' }, visitor)
    await sql('update mcp_data.accounts set name = $2 where email = $1', [person.email, 'Ada'])
    const given = [...Object.keys(claimsOf(id_token)), ...Object.keys((await userinfo(access_token)).json ?? {})]
    expect(new Set(given)).toEqual(new Set(oauth.claims_supported))
  },
  acr_values_supported: async () => {
    const acrOf = async (visitor: Visitor) => {
      const grant = await authorize({ resource: owner.server_url, scope: 'openid' }, visitor)
      return claimsOf(tokensOf(await exchange(grant)).id_token).acr
    }
    await eachWorks(oauth.acr_values_supported, async (acr) => {
      const { authenticator } = await passkeyOwner()
      const visitor = meetVisitor()
      await usePasskey(visitor, await visitor.open('/sign-in'), authenticator)
      expect(await acrOf(visitor)).toBe(acr)
    })
    expect(await acrOf(meetVisitor())).toBeUndefined()
  },
  prompt_values_supported: async () => {
    const { visitor } = await connect(owner, { scope: 'files:read' })
    const shows: Record<string, RegExp> = {
      login: /action="\/sign-in"/,
      consent: /name="decision"/,
      select_account: /name="decision"/,
    }
    await eachWorks(oauth.prompt_values_supported, async (prompt) => {
      const page = await visitor.open(authorizeUrl({ prompt, resource: owner.server_url }))
      expect([prompt, page.text]).toEqual([prompt, expect.stringMatching(shows[prompt] ?? /^$/)])
    })
    expect(await authorizing({ prompt: 'none' })).toBe('interaction_required')
    // Values nobody knows are left out, as real clients need (INTEROP 4.3).
    expect(await authorizing({ prompt: 'create' })).toBe('page 200')
  },
  claims_parameter_supported: async () => {
    expect(oauth.claims_parameter_supported).toBe(false)
    const claims = JSON.stringify({ userinfo: { email: { essential: true } }, id_token: { email: null } })
    const tokens = await connect(owner, { scope: 'openid files:read', claims })
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('email')
    expect((await userinfo(tokens.access_token)).json).not.toHaveProperty('email')
  },
  request_parameter_supported: async () => {
    expect(oauth.request_parameter_supported).toBe(false)
    expect(await authorizing({ request: 'e30.e30.' })).toBe('request_not_supported')
  },
  request_uri_parameter_supported: async () => {
    expect(oauth.request_uri_parameter_supported).toBe(false)
    expect(await authorizing({ request_uri: 'https://good.dev/r' })).toBe('request_uri_not_supported')
  },
}

describe('discovery promises what is there and nothing else', () => {
  it('K12 both documents say the same, and every member of them is walked', () => {
    expect(openid).toEqual(oauth)
    expect(Object.keys(walks).sort()).toEqual(Object.keys(oauth).sort())
  })

  it.each(Object.entries(walks))('K12 %s: each advertised value works, others are refused', (_name, walk) => walk())
})
