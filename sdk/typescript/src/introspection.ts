import type { AskIssuer } from './ask-issuer.ts'
import type { Config } from './config.ts'
import { isRecord, parseJson } from './json.ts'
import { readTextUpTo } from './read-text.ts'
import { splitScope } from './scopes.ts'
import type { User } from './user.ts'

/** What the issuer says of a token. */
export type Introspection =
  | { outcome: 'active'; audience: unknown; user: User }
  | { outcome: 'inactive'; definite: boolean }
  | { outcome: 'unavailable'; reason: UnavailableReason; retryAfterSeconds: number }

export type UnavailableReason =
  | 'key_refused'
  | 'unreachable'
  | 'bad_status'
  | 'bad_answer'
  | 'server_url_unknown'
  | 'keys_unavailable'
  | 'jose_missing'

export type Introspect = (token: string) => Promise<Introspection>

const MAX_ANSWER_BYTES = 65_536
const RETRY_AFTER_SECONDS = 5

/** Asks the issuer's introspection endpoint (RFC 7662). It never throws. */
export function createIntrospect(config: Config, ask: AskIssuer): Introspect {
  const headers = {
    Accept: 'application/json',
    Authorization: `Basic ${btoa(`${config.serverId}:${config.apiKey}`)}`,
    'Content-Type': 'application/x-www-form-urlencoded',
  }
  return async (token) => {
    try {
      const body = new URLSearchParams({ token, token_type_hint: 'access_token' })
      return await ask('/introspect', { method: 'POST', headers, body }, (response) => readAnswer(response, config))
    } catch {
      return unavailable('unreachable')
    }
  }
}

export function unavailable(
  reason: UnavailableReason,
  retryAfterSeconds: number = RETRY_AFTER_SECONDS,
): Extract<Introspection, { outcome: 'unavailable' }> {
  return { outcome: 'unavailable', reason, retryAfterSeconds }
}

async function readAnswer(response: Response, config: Config): Promise<Introspection> {
  if (response.status === 200) {
    const answer = isJson(response) ? parseJson((await readTextUpTo(response.body, MAX_ANSWER_BYTES)) ?? '') : undefined
    return isRecord(answer) ? readClaims(answer, config) : unavailable('bad_answer')
  }
  await response.body?.cancel()
  // 401 and 403 are about our key, never about the caller's token.
  if (response.status === 401 || response.status === 403) return unavailable('key_refused')
  return unavailable('bad_status', readRetryAfter(response))
}

function isJson(response: Response): boolean {
  const mediaType = (response.headers.get('content-type') ?? '').split(';', 1)[0] ?? ''
  return /^application\/(json|[^/]+\+json)$/i.test(mediaType.trim())
}

function readRetryAfter(response: Response): number {
  const value = response.headers.get('retry-after') ?? ''
  return /^\d{1,9}$/.test(value) ? Math.min(Math.max(Number(value), 1), 60) : RETRY_AFTER_SECONDS
}

function readClaims(answer: Record<string, unknown>, config: Config): Introspection {
  if (answer.active !== true) return { outcome: 'inactive', definite: answer.active === false }
  const { sub, client_id, exp, email, email_verified, token_type, iss } = answer
  const scopes = readScopes(answer.scope)
  if (typeof sub !== 'string' || sub === '' || typeof client_id !== 'string' || scopes === undefined) {
    return unavailable('bad_answer')
  }
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return unavailable('bad_answer')
  if (iss !== undefined && iss !== config.issuer) return { outcome: 'inactive', definite: false }
  // A token bound to a key must not pass as a bearer token (RFC 9449 §7.1, RFC 8705 §3).
  const isBearer = token_type === undefined || (typeof token_type === 'string' && token_type.toLowerCase() === 'bearer')
  if (!isBearer || answer.cnf !== undefined) return { outcome: 'inactive', definite: false }
  const user = Object.freeze({
    sub,
    issuer: config.issuer,
    ...(typeof email === 'string' && email !== '' ? { email, email_verified: email_verified === true } : {}),
    scopes: Object.freeze(scopes),
    client_id,
    expiresAtSeconds: exp,
  })
  return { outcome: 'active', audience: answer.aud, user }
}

/** RFC 7662 §2.2 says one text; some servers send a list. Undefined where it is neither. */
function readScopes(scope: unknown): string[] | undefined {
  if (scope === undefined) return []
  if (typeof scope === 'string') return splitScope(scope)
  return Array.isArray(scope) && scope.every((name) => typeof name === 'string') ? [...scope] : undefined
}
