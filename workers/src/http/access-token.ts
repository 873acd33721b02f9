import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import {
  type AccessToken,
  accessTokenSizeBytes,
  accessTokenType,
  parseAccessTokenClaims,
} from '../protocol/access-token.ts'

/** An access token of ours, its signature checked; whether its connection lives is the database's to say. */
export async function readAccessToken(c: Context<AppEnv>, token: string): Promise<AccessToken | undefined> {
  if (token.length > accessTokenSizeBytes) return undefined
  return parseAccessTokenClaims(await c.get('keys').verify(accessTokenType, token), c.get('config').issuer)
}
