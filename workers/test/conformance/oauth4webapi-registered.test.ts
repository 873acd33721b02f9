import * as oauth from 'oauth4webapi'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Callback, listenForCallback } from '../support/callback.ts'
import { launchChromium } from '../support/chromium.ts'
import { meetPerson } from '../support/person.ts'
import { place } from './place.ts'
import { withParameters } from './program.ts'
import { findAuthorizationServer, listFiles, makeSigningKey, metadataOf, onLoopback } from './strict-program.ts'

let browser: Browser
let callback: Callback
beforeAll(async () => {
  browser = await launchChromium()
  callback = await listenForCallback()
})
afterAll(async () => {
  await browser.close()
  await callback.close()
})

type Method = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
type Party = {
  readonly as: oauth.AuthorizationServer
  readonly client: oauth.Client
  readonly proof: oauth.ClientAuth
  readonly scope: string
}

const secretOf = ({ client_secret }: oauth.Client) => String(client_secret)

/** Registers itself where the 401 of the example leads to; the answer passes the package's own checks. */
async function register(method: Method): Promise<Party> {
  const { issuer, scope } = await findAuthorizationServer(new URL(place.exampleUrl))
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...onLoopback })
  const as = await oauth.processDiscoveryResponse(issuer, found)
  const { key, kid, jwk } = await makeSigningKey('ES256')
  const keys = method === 'private_key_jwt' ? { jwks: { keys: [jwk] } } : {}
  const metadata = { ...metadataOf(callback.redirectUri), token_endpoint_auth_method: method, ...keys }
  const response = await oauth.dynamicClientRegistrationRequest(as, metadata, onLoopback)
  const client = await oauth.processDynamicClientRegistrationResponse(response)
  const proofs = {
    client_secret_basic: () => oauth.ClientSecretBasic(secretOf(client)),
    client_secret_post: () => oauth.ClientSecretPost(secretOf(client)),
    private_key_jwt: () => oauth.PrivateKeyJwt({ key, kid }),
  }
  return { as, client, proof: proofs[method](), scope }
}

/** The code flow as a strict client does it; every answer passes the package's own checks. */
async function authorize({ as, client, proof, scope }: Party) {
  const person = await meetPerson(browser, place)
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
  const nonce = oauth.generateRandomNonce()
  const resource = place.exampleUrl
  const { redirectUri } = callback
  const url = withParameters('/authorize', {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirectUri,
    scope: `openid email ${scope}`,
    resource,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const { landed } = await person.authorize(url, { decision: 'approve' })
  const parameters = oauth.validateAuthResponse(as, client, landed, state)
  const options = { additionalParameters: { resource }, ...onLoopback }
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    proof,
    parameters,
    redirectUri,
    verifier,
    options,
  )
  const checks = { expectedNonce: nonce, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, checks)
  await oauth.validateApplicationLevelSignature(as, response, onLoopback)
  return { person, tokens, idToken: oauth.getValidatedIdTokenClaims(tokens) }
}

async function refresh({ as, client, proof }: Party, refresh_token = ''): Promise<oauth.TokenEndpointResponse> {
  const response = await oauth.refreshTokenGrantRequest(as, client, proof, refresh_token, onLoopback)
  return oauth.processRefreshTokenResponse(as, client, response)
}

/** The example server, asking about a token with its key. */
async function introspect({ as }: Party, token: string): Promise<oauth.IntrospectionResponse> {
  const asking: oauth.Client = { client_id: place.example.server_id }
  const key = oauth.ClientSecretBasic(place.example.api_key)
  const response = await oauth.introspectionRequest(as, asking, key, token, onLoopback)
  return oauth.processIntrospectionResponse(as, asking, response)
}

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.concurrent('oauth4webapi, registered by itself', () => {
  it.for(['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const)(
    'goes the whole way from nothing but the URL [rfc7591-3.2.1-answer] [rfc6749-3.2.1-authentication] [oidc-core-3.1.3.7-validation] [rfc9068-2.2-claims] [rfc7662-2.2-active] [rfc7009-2.1-refresh] (%s)',
    async (method) => {
      const party = await register(method)
      const { as, client, proof } = party
      expect(client.token_endpoint_auth_method).toBe(method)
      const { person, tokens, idToken } = await authorize(party)
      const { access_token } = tokens
      const userinfo = await oauth.userInfoRequest(as, client, access_token, onLoopback)
      const claims = await oauth.processUserInfoResponse(as, client, idToken?.sub ?? '', userinfo)
      expect(claims).toMatchObject({ email: person.email, email_verified: true })

      const request = new Request(place.exampleUrl, { headers: { authorization: `Bearer ${access_token}` } })
      const validated = await oauth.validateJwtAccessToken(as, request, place.exampleUrl, onLoopback)
      expect(validated).toMatchObject({ client_id: client.client_id, sub: idToken?.sub })
      const { url, headers, body } = listFiles
      const listed = await oauth.protectedResourceRequest(access_token, 'POST', url, headers, body, onLoopback)
      expect(await listed.text()).toContain('welcome.md')

      const refreshed = await refresh(party, tokens.refresh_token)
      const { client_id } = client
      expect(await introspect(party, refreshed.access_token)).toMatchObject({ active: true, client_id })
      const token = refreshed.refresh_token ?? ''
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, proof, token, onLoopback))
      expect(await introspect(party, refreshed.access_token)).toEqual({ active: false })
      await expect(refresh(party, token)).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
    },
  )
})
