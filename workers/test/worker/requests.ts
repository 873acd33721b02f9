import { env } from 'cloudflare:workers'
import { parseConfig } from '../../src/config.ts'
import { digestToStore } from '../../src/crypto/digest.ts'
import { newConnectionId, newSecret, newTransactionId } from '../../src/crypto/random.ts'
import { createStore } from '../../src/store/client.ts'
import type { ClientSnapshot } from '../../src/store/rows.ts'
import { type AuthorizationRow, type ConnectionLifetimes, openTransaction } from '../../src/store/transactions.ts'
import { issuer, send, type Visitor } from './visitor.ts'

export const clientId = 'client_claude_code'
export const redirectUri = 'http://localhost:51004/callback'
export const challenge = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg'

export const config = () => parseConfig({ ...env })

export const store = () => {
  const { url, key } = config().supabase
  return createStore({ url, key, timeoutMs: 60_000, fetchUrl: (input, init) => fetch(input, init) })
}

export type Registered = { readonly server_id: string; readonly server_url: string }

export type ScopeInput = string | { name: string; description?: string; required?: boolean; default?: boolean }

/** A server of its own for a test, registered through the public API. */
export async function registerServer(
  scopes: readonly ScopeInput[] = ['files:read', 'files:write'],
  more: Record<string, unknown> = {},
): Promise<Registered> {
  const server_url = `http://localhost:9401/${crypto.randomUUID()}/mcp`
  const body = JSON.stringify({ server_url, server_name: 'Team files', scopes, ...more })
  const answer = await send('/api/servers', { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  if (answer.status !== 201) throw new Error(`registering answered ${answer.status}: ${answer.text}`)
  const { server_id } = JSON.parse(answer.text) as { server_id: string }
  return { server_id, server_url }
}

export type Fields = Readonly<Record<string, string | undefined>>

/** The URL of an authorization request that is right in everything but the given fields; undefined leaves one out. */
export function authorizeUrl(fields: Fields = {}): URL {
  const url = new URL('/authorize', issuer)
  const right: Fields = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state: 'a-state',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries({ ...right, ...fields })) {
    if (value !== undefined) url.searchParams.append(name, value)
  }
  return url
}

export type Opening = {
  readonly client: Partial<ClientSnapshot>
  readonly authorization: Partial<AuthorizationRow>
  readonly lifetimes?: Partial<ConnectionLifetimes>
}

/**
 * Opens a transaction for a visitor's browser straight in the database: for clients of kinds that cannot come through
 * the front door yet, and for times that have already passed.
 */
export async function openFor(visitor: Visitor, { client, authorization, lifetimes }: Opening): Promise<string> {
  const { tokenPeppers, lifetimes: usual } = config()
  const browser = visitor.cookies.get('browser') ?? newSecret()
  visitor.cookies.set('browser', browser)
  const stored = await digestToStore(tokenPeppers, 'browser', browser)
  const p_transaction_id = newTransactionId()
  const opened = await openTransaction(store(), {
    p_transaction_id,
    p_browser_digests: [stored.digest],
    p_browser_digest: stored.digest,
    p_kid: stored.kid,
    p_session_digests: [],
    p_client: { ...pretender, ...client },
    p_authorization: { ...plainRequest, ...authorization },
    p_connection_id: newConnectionId(),
    p_code_digest: stored.digest,
    p_lifetimes: { ...usual, ...lifetimes },
    p_max_open_transactions: 10,
    p_request: { request_id: 'req_test' },
  })
  if (opened.outcome !== 'sign_in') throw new Error(`opening gave ${opened.outcome}`)
  return p_transaction_id
}

/** A client that registered itself under a name of its choice. */
export const pretender: ClientSnapshot = {
  client_id: 'dcr_pretender',
  client_name: 'Some tool',
  kind: 'dynamic',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['https://app.example.net/cb'],
  grant_types: ['authorization_code'],
  application_type: undefined,
  client_uri: undefined,
}

const plainRequest: AuthorizationRow = {
  redirect_uri: 'https://app.example.net/cb',
  scope: ['openid'],
  resource_candidates: [],
  resource_is_origin: false,
  code_challenge: challenge,
  prompt: [],
  issuer,
  redirect_trust: 'unproven',
}

/** How a resource parameter reaches the database. */
export const atServer = ({ server_url }: Registered) => ({
  resource: server_url,
  resource_candidates: [server_url],
  scope: null,
})
