import * as client from 'openid-client'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Callback, listenForCallback } from '../support/callback.ts'
import { launchChromium } from '../support/chromium.ts'
import { meetPerson, type Person } from '../support/person.ts'
import { type DocumentHost, hostDocuments } from './document-host.ts'
import { place } from './place.ts'
import { answerOf, post } from './program.ts'
import { findAuthorizationServer, listFiles, makeSigningKey, metadataOf, writeFile } from './strict-program.ts'

let browser: Browser
let callback: Callback
let documents: DocumentHost
beforeAll(async () => {
  browser = await launchChromium()
  callback = await listenForCallback()
  documents = await hostDocuments()
})
afterAll(async () => {
  await browser.close()
  await callback.close()
  await documents.close()
})

/** Signatures of ID tokens are checked too, which the package leaves to TLS otherwise; only http is let through. */
const strictly = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] }

type Way = { readonly name: string; readonly configure: (issuer: URL) => Promise<client.Configuration> }

const registeredKeys: Way = {
  name: 'private_key_jwt, its keys registered',
  configure: async (issuer) => {
    const { jwk, ...key } = await makeSigningKey('ES256')
    const method = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }
    const metadata = { ...metadataOf(callback.redirectUri), ...method }
    const options = { ...strictly, algorithm: 'oauth2' as const }
    return client.dynamicClientRegistration(issuer, metadata, client.PrivateKeyJwt(key), options)
  },
}

const ways: readonly Way[] = [
  registeredKeys,
  {
    name: 'registered without a secret',
    configure: (issuer) => {
      const metadata = { ...metadataOf(callback.redirectUri), token_endpoint_auth_method: 'none' }
      return client.dynamicClientRegistration(issuer, metadata, client.None(), strictly)
    },
  },
  {
    name: 'private_key_jwt, its keys in its document',
    configure: async (issuer) => {
      const { jwk, ...key } = await makeSigningKey('Ed25519')
      const method = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }
      const client_id = publish(method)
      return client.discovery(issuer, client_id, undefined, client.PrivateKeyJwt(key), strictly)
    },
  },
  {
    name: 'private_key_jwt, its keys where its document says',
    configure: async (issuer) => {
      const { jwk, ...key } = await makeSigningKey('RS256')
      const jwks_uri = documents.publish('keys.json', () => ({ keys: [jwk] }))
      const client_id = publish({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri })
      return client.discovery(issuer, client_id, undefined, client.PrivateKeyJwt(key), strictly)
    },
  },
]

const publish = (method: object) =>
  documents.publish('client.json', (client_id) => ({ client_id, ...metadataOf(callback.redirectUri), ...method }))

/** The code flow, every answer passing the package's own checks. */
async function authorize(config: client.Configuration, person: Person, scope: string) {
  const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
  const resource = place.exampleUrl
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: callback.redirectUri,
    scope: `openid email offline_access ${scope}`,
    resource,
    max_age: '3600',
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const { landed } = await person.authorize(url, { decision: 'approve' })
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge: 3_600 }
  return client.authorizationCodeGrant(config, landed, checks, { resource })
}

const call = (config: client.Configuration, token: string, { url, body, headers }: typeof listFiles) =>
  client.fetchProtectedResource(config, token, url, 'POST', body, headers)

/** The example server, asking about a token with its key. */
function asServer(config: client.Configuration): client.Configuration {
  const { server_id, api_key } = place.example
  const server = new client.Configuration(config.serverMetadata(), server_id, {}, client.ClientSecretBasic(api_key))
  client.allowInsecureRequests(server)
  return server
}

async function start({ configure }: Way) {
  const found = await findAuthorizationServer(new URL(place.exampleUrl))
  const config = await configure(found.issuer)
  return { config, person: await meetPerson(browser, place), scope: found.scope }
}

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.concurrent('openid-client, strict', () => {
  it.for(ways)(
    'goes the whole way from nothing but the URL [mcp-2026-07-client-flow] [rfc8414-3.3-issuer] [oidc-core-3.1.3.7-validation] [oidc-core-5.3.2-sub] [rfc9728-3.3-identical] [rfc7009-2.1-refresh] ($name)',
    async (way) => {
      const { config, person, scope } = await start(way)
      const { client_id } = config.clientMetadata()
      const tokens = await authorize(config, person, scope)
      expect(tokens.claims()).toMatchObject({ iss: place.issuer, aud: client_id })
      const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '')
      expect(userinfo).toMatchObject({ email: person.email, email_verified: true })
      const listed = await call(config, tokens.access_token, listFiles)
      expect(await listed.text()).toContain('welcome.md')

      const refused = await call(config, tokens.access_token, writeFile).catch((error: unknown) => error)
      expect(refused).toMatchObject({ status: 403, cause: [{ parameters: { error: 'insufficient_scope' } }] })
      const more = await authorize(config, person, 'files:read files:write')
      expect(await (await call(config, more.access_token, writeFile)).text()).toContain('Wrote conformance.txt')

      const refreshed = await client.refreshTokenGrant(config, more.refresh_token ?? '', { resource: place.exampleUrl })
      const server = asServer(config)
      const active = await client.tokenIntrospection(server, refreshed.access_token)
      expect(active).toMatchObject({ active: true, client_id, aud: place.exampleUrl, username: person.email })

      await client.tokenRevocation(config, refreshed.refresh_token ?? '')
      expect(await client.tokenIntrospection(server, refreshed.access_token)).toEqual({ active: false })
      const again = client.refreshTokenGrant(config, refreshed.refresh_token ?? '')
      await expect(again).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
    },
  )

  it('authenticates by each assertion once, and not without [oidc-core-9-jti] [rfc6749-3.2.1-authentication]', async () => {
    const { config, person, scope } = await start(registeredKeys)
    const { refresh_token } = await authorize(config, person, scope)
    const sent: Record<string, string>[] = []
    config[client.customFetch] = (url, { body, ...options }) => {
      if (body instanceof URLSearchParams) sent.push(Object.fromEntries(body))
      return fetch(url, { ...options, body: body as BodyInit })
    }
    const refreshed = await client.refreshTokenGrant(config, refresh_token ?? '')
    const { client_assertion, client_assertion_type, ...unproven } = sent[0] ?? {}
    expect(client_assertion).toEqual(expect.any(String))
    unproven.refresh_token = refreshed.refresh_token ?? ''
    const replayed = await answerOf(await post('/token', { ...unproven, client_assertion, client_assertion_type }))
    expect([replayed.status, replayed.body.error]).toEqual([401, 'invalid_client'])
    expect(replayed.body.error_uri).toContain('#assertion_replayed')
    const bare = await answerOf(await post('/token', unproven))
    expect([bare.status, bare.body.error]).toEqual([401, 'invalid_client'])
    await expect(client.refreshTokenGrant(config, unproven.refresh_token)).resolves.toBeDefined()
  })
})
