import type { Person } from './builders.ts'
import { connect } from './connections.ts'
import type { TestDatabase } from './database.ts'
import { issuer } from './values.ts'

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
