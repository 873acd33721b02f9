import type { Browser, Person } from './builders.ts'
import { connect } from './connections.ts'
import type { TestDatabase } from './database.ts'
import { digest, issuer, lifetimes, publicPart, request } from './values.ts'

export type Caller = Record<string, unknown>

export const allScopes = ['servers:read', 'servers:write', 'keys:write']

/** An owner's access token for our API: a connection to ISSUER/api, and the scopes the token states. */
export async function ownerCaller(
  database: TestDatabase,
  person: Person,
  scopes: string[] = allScopes,
): Promise<Caller> {
  const connection_id = await connect(database, person, { server_url: `${issuer}/api` }, { scope: allScopes })
  return { kind: 'connection', connection_id, epoch: 1, scopes }
}

/** Callers that must be refused everywhere as unknown. */
export const strangers: [string, Caller | null][] = [
  ['nobody', null],
  ['an unknown kind', { kind: 'root' }],
  [
    'an unknown management token',
    { kind: 'management', public_part: '000000000000', digests: [`\\x${'00'.repeat(32)}`] },
  ],
  ['an unknown connection', { kind: 'connection', connection_id: 'x', epoch: 1, scopes: allScopes }],
]

/** Our own pages call for whoever is signed in; `fresh_seconds` says how old the sign-in may be. */
export function sessionCaller(browser: Browser, fresh_seconds?: number): Caller {
  return {
    kind: 'session',
    digests: [digest(browser.session)],
    idle_seconds: lifetimes.session_idle_seconds,
    fresh_seconds,
  }
}

export const tokenLimits = { tokens: 10, writes_per_hour: 60, fresh_seconds: 900 }

/** What create_personal_token is given; the digest is that of the token's id. */
export function personalToken(changes: Record<string, unknown> = {}) {
  const token_id = `tok_${publicPart()}`
  return {
    token_id,
    digest: digest(token_id),
    kid: 'k1',
    name: 'CI',
    last_four: 'abcd',
    scopes: allScopes,
    expires_in_seconds: 86_400,
    ...changes,
  }
}

/** A personal token of this person. */
export async function personalCaller(
  database: TestDatabase,
  person: Person,
  changes: Record<string, unknown> = {},
): Promise<Caller & { token_id: string }> {
  const p_token = personalToken(changes)
  const answer = await database.call('create_personal_token', {
    p_caller: sessionCaller(person),
    p_token,
    p_limits: tokenLimits,
    p_request: request,
  })
  if (answer.outcome !== 'created') throw new Error(JSON.stringify(answer))
  return { kind: 'personal', token_id: p_token.token_id, digests: [digest(p_token.token_id)] }
}
