import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { type PresentedApiKey, readApiKey } from '../crypto/secret-format.ts'
import { readAccessToken } from '../http/access-token.ts'
import { parseBasic, parseBearer } from '../http/basic-credentials.ts'
import { readParameters } from '../http/parameters.ts'
import { countAgainst } from '../http/rate-limit.ts'
import type { AccessToken } from '../protocol/access-token.ts'
import { assertNever, type OAuthError, refused } from '../protocol/errors.ts'
import {
  inactiveResponse,
  introspectionResponse,
  signedIntrospectionClaims,
  signedIntrospectionType,
} from '../protocol/introspection-response.ts'
import { introspectToken } from '../store/introspection.ts'

/** Introspection (RFC 7662): one database call judges key, server, connection, account and client together. */
export const introspectRoute = new Hono<AppEnv>().post('/introspect', async (c) => {
  const key = await presentedKey(c)
  if (key === undefined) throw await keyRefused(c, 'key_unknown')
  const token = (await readParameters(c)).get('token')
  if (token === undefined) throw refused('token_missing')
  const accessToken = await readAccessToken(c, token)
  // Not a token of ours, so inactive for whoever asks: the database is not troubled, and a key that has been revoked
  // learns nothing by it. Every token with our signature is judged together with the key.
  if (accessToken === undefined) return inactive(c, key, 'token_malformed')
  return introspect(c, key, accessToken)
})

async function introspect(c: Context<AppEnv>, key: ServerKey, token: AccessToken): Promise<Response> {
  const introspection = await introspectToken(c.get('store'), {
    p_key_id: key.key_id,
    p_key_digests: key.digests,
    p_server_id: key.server_id,
    p_connection_id: token.connection_id,
    p_audience: token.aud,
    p_epoch: token.epoch,
    p_expires_at_seconds: token.exp,
    p_scope: token.scopes,
    p_request: c.get('requestFacts'),
  })
  switch (introspection.outcome) {
    case 'active':
      return answer(c, key, introspectionResponse(introspection, token, c.get('config').issuer))
    case 'inactive':
      return inactive(c, key, introspection.reason)
    case 'key_refused':
      throw await keyRefused(c, introspection.reason)
    default:
      return assertNever(introspection)
  }
}

/** The one answer to everything that is not a live token of the asking server; why is in the log alone (H3). */
function inactive(c: Context<AppEnv>, key: ServerKey, reason: string): Response | Promise<Response> {
  c.set('reason', reason)
  return answer(c, key, inactiveResponse)
}

/** JSON, or signed where the server asks for that (RFC 9701 §4): for whoever must show later what was answered. */
function answer(c: Context<AppEnv>, key: ServerKey, response: object): Response | Promise<Response> {
  return wantsSigned(c.req.header('accept')) ? signed(c, key, response) : c.json(response)
}

function wantsSigned(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes(signedIntrospectionType) === true
}

async function signed(c: Context<AppEnv>, key: ServerKey, response: object): Promise<Response> {
  const iat = Math.floor(c.get('clock')() / 1_000)
  const claims = signedIntrospectionClaims(response, { issuer: c.get('config').issuer, audience: key.key_id, iat })
  const jwt = await c.get('keys').sign('token-introspection+jwt', claims)
  return c.body(jwt, 200, { 'Content-Type': signedIntrospectionType })
}

type ServerKey = PresentedApiKey & { readonly server_id: string | null }

/** The API key of Basic `server_id:api_key`, or of Bearer; undefined for whatever was never minted here. */
async function presentedKey(c: Context<AppEnv>): Promise<ServerKey | undefined> {
  const { tokenPeppers } = c.get('config')
  const authorization = c.req.header('authorization') ?? ''
  const bearer = parseBearer(authorization)
  if (bearer !== undefined) {
    const key = await readApiKey(tokenPeppers, bearer)
    return key && { ...key, server_id: null }
  }
  for (const { user, password } of parseBasic(authorization) ?? []) {
    const key = await readApiKey(tokenPeppers, password)
    if (key !== undefined) return { ...key, server_id: user }
  }
  return undefined
}

/** One body for every refused key (H1, H5): only the log says which of them it was. */
async function keyRefused(c: Context<AppEnv>, reason: string): Promise<OAuthError> {
  await countAgainst(c, 'RATE_KEY_FAILURES')
  c.set('reason', reason)
  return refused('key_unknown', 'Send a live API key: Basic with server_id and key, or the key as a bearer token')
}
