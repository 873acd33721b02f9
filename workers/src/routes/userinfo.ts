import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { readAccessToken } from '../http/access-token.ts'
import { parseBearer } from '../http/basic-credentials.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { type OAuthError, refused } from '../protocol/errors.ts'
import { readUserinfo } from '../store/connections.ts'

/** The UserInfo endpoint (OpenID Connect Core §5.3): any live access token with scope `openid`, from the header only. */
export const userinfoRoute = new Hono<AppEnv>()
  .get('/userinfo', rateLimit('RATE_TOKEN', 'userinfo'), answerUserinfo)
  .post('/userinfo', rateLimit('RATE_TOKEN', 'userinfo'), answerUserinfo)

async function answerUserinfo(c: Context<AppEnv>): Promise<Response> {
  const authorization = c.req.header('authorization')
  if (authorization === undefined) throw challenge(c, refused('access_token_missing'))
  const bearer = parseBearer(authorization)
  if (bearer === undefined) throw challenge(c, refused('authorization_malformed'))
  const token = await readAccessToken(c, bearer)
  if (token === undefined || token.exp * 1000 <= c.var.clock()) throw challenge(c, refused('token_invalid'))
  if (!token.scopes.includes('openid')) throw challenge(c, refused('scope_insufficient'))
  const person = await readUserinfo(c.var.store, {
    p_connection_id: token.connection_id,
    p_epoch: token.epoch,
    p_scope: token.scopes,
  })
  if (person.outcome !== 'found') {
    c.set('reason', person.reason)
    throw challenge(c, refused('token_invalid'))
  }
  const { sub, scopes, email, email_verified, name } = person
  if (!scopes.includes('openid')) throw challenge(c, refused('scope_insufficient'))
  return c.json({
    sub,
    ...(scopes.includes('email') && { email, email_verified }),
    ...(scopes.includes('profile') && name !== undefined && { name }),
  })
}

function challenge(c: Context<AppEnv>, error: OAuthError): OAuthError {
  c.header('WWW-Authenticate', bearerChallenge(error))
  return error
}

/** RFC 6750 §3: no error code where nothing was presented, and never a scheme without a parameter. */
function bearerChallenge(error: OAuthError): string {
  if (error.reason === 'access_token_missing') return 'Bearer scope="openid"'
  const scope = error.reason === 'scope_insufficient' ? ', scope="openid"' : ''
  return `Bearer error="${error.error}", error_description="${error.description}"${scope}`
}
