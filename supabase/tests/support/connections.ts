import { type Authorization, decide, type Key, open, type Person, type Server } from './builders.ts'
import type { Answer, TestDatabase } from './database.ts'
import { digest, id, metadataClient, request, retry, verifierChallenge } from './values.ts'

/** The same person with a session of this moment: the one of before may have ended, or have made its ten decisions. */
export async function freshSession(database: TestDatabase, person: Person): Promise<Person> {
  const session = id()
  await database.query(
    `insert into mcp_data.sessions (session_digest, session_kid, account_id, auth_time, auth_method, expires_at)
     values ($1, 'k1', $2, now(), 'email_code', now() + interval '7 days')`,
    [digest(session), person.account_id],
  )
  return { ...person, session }
}

/** A person's approval of a server, before the code is redeemed. */
export async function approve(
  database: TestDatabase,
  person: Person,
  server: Pick<Server, 'server_url'>,
  authorization: Authorization = {},
  client: Record<string, unknown> = metadataClient,
): Promise<string> {
  const browser = await freshSession(database, person)
  const transaction = await open(database, browser, { resource: server.server_url, ...authorization }, client)
  const scopes = Array.isArray(authorization.scope) ? authorization.scope : ['files:read']
  const answer = await decide(database, browser, transaction.id, { p_scopes: scopes })
  if (answer.outcome !== 'approved') throw new Error(JSON.stringify([transaction.outcome, answer]))
  return answer.connection_id
}

export function exchangeArguments(connectionId: string, changes: Record<string, unknown> = {}) {
  return {
    p_connection_id: connectionId,
    p_code_digests: [digest(`code ${connectionId}`)],
    p_client_id: metadataClient.client_id,
    p_redirect_uri: 'https://app.example/callback',
    p_code_challenge: verifierChallenge,
    p_resource_candidates: null,
    p_scope: null,
    p_refresh_digest: digest(`refresh ${connectionId} 1`),
    p_kid: 'k1',
    p_request: request,
    ...changes,
  }
}

export function exchange(
  database: TestDatabase,
  connectionId: string,
  changes: Record<string, unknown> = {},
): Promise<Answer> {
  return database.call('exchange_authorization_code', exchangeArguments(connectionId, changes))
}

/** A connection with its first refresh token (generation 1). */
export async function connect(
  database: TestDatabase,
  person: Person,
  server: Pick<Server, 'server_url'>,
  authorization: Authorization = {},
  client: Record<string, unknown> = metadataClient,
): Promise<string> {
  const connectionId = await approve(database, person, server, authorization, client)
  const changes = { p_client_id: client.client_id, p_redirect_uri: authorization.redirect_uri ?? null }
  const answer = await exchange(database, connectionId, changes)
  if (answer.outcome !== 'exchanged') throw new Error(JSON.stringify(answer))
  return connectionId
}

/** Presents the refresh token of a generation; its successor's digest names the next one. */
export function refresh(
  database: TestDatabase,
  connectionId: string,
  generation: number,
  changes: Record<string, unknown> = {},
): Promise<Answer> {
  return database.call('rotate_refresh_token', {
    p_connection_id: connectionId,
    p_generation: generation,
    p_token_digests: [digest(`refresh ${connectionId} ${generation}`)],
    p_client_id: metadataClient.client_id,
    p_resource_candidates: null,
    p_scope: null,
    p_successor_digest: digest(`refresh ${connectionId} ${generation + 1}`),
    p_successor_ciphertext: `\\x${Buffer.from(`sealed ${connectionId} ${generation + 1}`).toString('hex')}`,
    p_kid: 'k1',
    p_retry: retry,
    p_request: request,
    ...changes,
  })
}

export function introspect(
  database: TestDatabase,
  key: Key,
  server: Server,
  connectionId: string | null,
  changes: Record<string, unknown> = {},
): Promise<Answer> {
  return database.call('introspect_token', {
    p_key_id: key.key_id,
    p_key_digests: key.digests,
    p_server_id: server.server_id,
    p_connection_id: connectionId,
    p_audience: server.server_url,
    p_epoch: 1,
    p_expires_at_seconds: Math.floor(Date.now() / 1000) + 3600,
    p_scope: ['base', 'files:read', 'files:write'],
    p_request: request,
    ...changes,
  })
}
