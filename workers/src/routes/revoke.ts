import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { digestsToCompare } from '../crypto/digest.ts'
import { readAccessToken } from '../http/access-token.ts'
import { authenticateClient } from '../http/client-authentication.ts'
import { readParameters } from '../http/parameters.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { refused } from '../protocol/errors.ts'
import { parseRefreshToken } from '../protocol/refresh-token.ts'
import { type RevokeTokenArguments, revokeToken } from '../store/connections.ts'

/** Revocation (RFC 7009): either kind of token ends its whole connection; every answer to a known client is the same. */
export const revokeRoute = new Hono<AppEnv>().post('/revoke', rateLimit('RATE_TOKEN', 'revoke'), async (c) => {
  const parameters = await readParameters(c)
  const token = parameters.get('token')
  if (token === undefined) throw refused('token_missing')
  const { client, proof } = await authenticateClient(c, parameters)
  const target = await revocationTarget(c, token)
  if (target === undefined) {
    c.set('reason', 'token_malformed')
  } else {
    const request = { p_client_id: client.client_id, p_client: proof, p_request: c.var.requestFacts }
    const { outcome } = await revokeToken(c.var.store, { ...target, ...request })
    if (outcome === 'assertion_replayed') throw refused(outcome)
    c.set('reason', outcome)
  }
  return c.body(null, 200)
})

type RevocationTarget = Omit<RevokeTokenArguments, 'p_client_id' | 'p_client' | 'p_request'>

/** What the token names; undefined when it is no token of ours. The hint is not needed: the shapes differ (RFC 7009 §2.1). */
async function revocationTarget(c: Context<AppEnv>, token: string): Promise<RevocationTarget | undefined> {
  const refreshToken = parseRefreshToken(token)
  if (refreshToken !== undefined) {
    return {
      p_connection_id: refreshToken.connection_id,
      p_refresh_digests: await digestsToCompare(c.var.config.tokenPeppers, 'refresh', token),
      p_generation: refreshToken.generation,
    }
  }
  const accessToken = await readAccessToken(c, token)
  return accessToken && { p_connection_id: accessToken.connection_id, p_refresh_digests: null, p_generation: null }
}
