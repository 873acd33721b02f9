import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { redeemAuthorizationCode } from '../grants/authorization-code.ts'
import type { AuthenticatedClient, GrantSettings } from '../grants/issue-tokens.ts'
import { refreshTokens } from '../grants/refresh-token.ts'
import { authenticateClient } from '../http/client-authentication.ts'
import { readParameters } from '../http/parameters.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { mayUse } from '../protocol/client-metadata.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import { parseTokenRequest, type TokenRequest } from '../protocol/token-request.ts'
import type { TokenResponse } from '../protocol/token-response.ts'

/** The token endpoint (RFC 6749 §3.2). */
export const tokenRoute = new Hono<AppEnv>().post('/token', rateLimit('RATE_TOKEN', 'token'), async (c) => {
  const parameters = await readParameters(c)
  // What the request lacks is told before who sends it is asked for: that needs no look-up, and burns nothing (F10).
  const request = parseTokenRequest(parameters, c.var.config)
  const authenticated = await authenticateClient(c, parameters)
  if (!mayUse(authenticated.client, request.grant_type)) throw refused('grant_type_not_registered')
  const response = await issue(grantSettings(c), authenticated, request)
  return c.json(response)
})

function issue(settings: GrantSettings, client: AuthenticatedClient, request: TokenRequest): Promise<TokenResponse> {
  switch (request.grant_type) {
    case 'authorization_code':
      return redeemAuthorizationCode(settings, client, request)
    case 'refresh_token':
      return refreshTokens(settings, client, request)
    default:
      return assertNever(request)
  }
}

function grantSettings(c: Context<AppEnv>): GrantSettings {
  const { config, store, keys, requestFacts } = c.var
  return {
    store,
    keys,
    tokenPeppers: config.tokenPeppers,
    issuer: config.issuer,
    accessTokenSeconds: config.lifetimes.access_token_seconds,
    idTokenSeconds: config.lifetimes.id_token_seconds,
    retry: { window_seconds: config.limits.refresh_retry_seconds, max: config.limits.refresh_retries },
    requestFacts,
    // Mails are made of the pages' words, which are not there at start-up.
    onTheft: (notice) =>
      c.executionCtx.waitUntil(import('../http/mail-theft.ts').then(({ mailTheft }) => mailTheft(c, notice))),
  }
}
