import * as oauth from 'oauth4webapi'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Callback, listenForCallback } from '../support/callback.ts'
import { launchChromium } from '../support/chromium.ts'
import { meetPerson } from '../support/person.ts'
import { type RegisteredServer, registerServer } from './owner.ts'
import { place } from './place.ts'
import { clientId, withParameters } from './program.ts'

// The issuer of a local run is http on loopback; nothing else is relaxed.
const onLoopback = { [oauth.allowInsecureRequests]: true }
const client: oauth.Client = { client_id: clientId }

let browser: Browser
let callback: Callback
let server: RegisteredServer
beforeAll(async () => {
  browser = await launchChromium()
  callback = await listenForCallback()
  server = await registerServer()
})
afterAll(async () => {
  await browser.close()
  await callback.close()
})

async function discover(algorithm: 'oauth2' | 'oidc'): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(place.issuer)
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...onLoopback }))
}

/** The code flow as a strict client does it; every answer passes the package's own checks. */
async function authorize(as: oauth.AuthorizationServer) {
  const person = await meetPerson(browser, place)
  const [verifier, state, nonce] = [
    oauth.generateRandomCodeVerifier(),
    oauth.generateRandomState(),
    oauth.generateRandomNonce(),
  ]
  const url = withParameters('/authorize', {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: callback.redirectUri,
    scope: 'openid email offline_access files:read',
    resource: server.server_url,
    max_age: '3600',
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const { landed } = await person.authorize(url, { decision: 'approve' })
  const parameters = oauth.validateAuthResponse(as, client, landed, state)
  const options = { additionalParameters: { resource: server.server_url }, ...onLoopback }
  const { redirectUri } = callback
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    parameters,
    redirectUri,
    verifier,
    options,
  )
  const checks = { expectedNonce: nonce, maxAge: 3_600, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, checks)
  await oauth.validateApplicationLevelSignature(as, response, onLoopback)
  return { person, tokens, idToken: oauth.getValidatedIdTokenClaims(tokens) }
}

async function introspect(as: oauth.AuthorizationServer, token: string): Promise<oauth.IntrospectionResponse> {
  const asking: oauth.Client = { client_id: server.server_id }
  const key = oauth.ClientSecretBasic(server.api_key)
  return oauth.processIntrospectionResponse(
    as,
    asking,
    await oauth.introspectionRequest(as, asking, key, token, onLoopback),
  )
}

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.concurrent('oauth4webapi', () => {
  it('accepts both discovery documents [rfc8414-3.3-issuer] [oidc-discovery-3-required]', async () => {
    expect((await discover('oauth2')).issuer).toBe(place.issuer)
    expect((await discover('oidc')).issuer).toBe(place.issuer)
  })

  it('signs a person in and validates the id_token [oidc-core-3.1.3.7-validation] [rfc9207-2-identical]', async () => {
    const as = await discover('oidc')
    const { tokens, idToken } = await authorize(as)
    expect(tokens.scope?.split(' ')).toEqual(
      expect.arrayContaining(['openid', 'email', 'offline_access', 'files:read']),
    )
    expect(idToken).toMatchObject({ aud: clientId, auth_time: expect.any(Number) })
  })

  it('validates the access token as a resource server would [rfc9068-2.2-claims] [rfc9068-4-keys]', async () => {
    const as = await discover('oauth2')
    const { tokens } = await authorize(as)
    const request = new Request(server.server_url, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const claims = await oauth.validateJwtAccessToken(as, request, server.server_url, onLoopback)
    expect(claims).toMatchObject({ client_id: clientId, aud: server.server_url })
  })

  it('reads userinfo about the same person [oidc-core-5.3.2-sub]', async () => {
    const as = await discover('oidc')
    const { person, tokens, idToken } = await authorize(as)
    const response = await oauth.userInfoRequest(as, client, tokens.access_token, onLoopback)
    const claims = await oauth.processUserInfoResponse(as, client, idToken?.sub ?? '', response)
    expect(claims).toMatchObject({ email: person.email, email_verified: true })
  })

  it('refreshes, introspects and revokes [rfc7662-2.2-active] [rfc7009-2.1-refresh] [oidc-core-12.2-refresh]', async () => {
    const as = await discover('oidc')
    const { tokens, idToken } = await authorize(as)
    const refreshing = await oauth.refreshTokenGrantRequest(
      as,
      client,
      oauth.None(),
      tokens.refresh_token ?? '',
      onLoopback,
    )
    const refreshed = await oauth.processRefreshTokenResponse(as, client, refreshing)
    expect((await introspect(as, refreshed.access_token)).active).toBe(true)
    const { iss, sub, auth_time } = oauth.getValidatedIdTokenClaims(refreshed) ?? {}
    expect({ iss, sub, auth_time }).toEqual({ iss: idToken?.iss, sub: idToken?.sub, auth_time: idToken?.auth_time })
    const revoking = await oauth.revocationRequest(as, client, oauth.None(), refreshed.refresh_token ?? '', onLoopback)
    await oauth.processRevocationResponse(revoking)
    expect(await introspect(as, refreshed.access_token)).toEqual({ active: false })
  })

  it('is told that a revoked grant is dead [rfc6749-5.2-invalid-grant]', async () => {
    const as = await discover('oauth2')
    const { tokens } = await authorize(as)
    await oauth.revocationRequest(as, client, oauth.None(), tokens.access_token, onLoopback)
    const refreshing = await oauth.refreshTokenGrantRequest(
      as,
      client,
      oauth.None(),
      tokens.refresh_token ?? '',
      onLoopback,
    )
    const refused = oauth.processRefreshTokenResponse(as, client, refreshing)
    await expect(refused).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
  })
})
