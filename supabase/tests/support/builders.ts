import { createHash, randomBytes } from 'node:crypto'
import type { Answer, TestDatabase } from './database.ts'

export const issuer = 'https://mcp.example'
export const lifetimes = {
  transaction_seconds: 600,
  code_seconds: 60,
  session_idle_seconds: 43_200,
  session_absolute_seconds: 604_800,
  refresh_idle_seconds: 2_592_000,
  refresh_absolute_seconds: 7_776_000,
  remembered_consent_seconds: 2_592_000,
}
export const codeLimits = {
  per_address_15_minutes: 3,
  per_address_day: 10,
  per_ip_hour: 10,
  code_seconds: 600,
  attempts: 5,
  failures_per_account_day: 50,
}
export const retry = { window_seconds: 120, max: 10 }
export const request = { request_id: 'req_1', ip: '192.0.2.1', user_agent: 'test' }
export const verifierChallenge = 'E9Melhoa2OwvFrEMTJGuCHaoeK1t8URWbuGJSstw-cM'

/** 32 bytes that stand for the keyed digest of this text, as the Worker sends them. */
export function digest(text: string): string {
  return `\\x${createHash('sha256').update(text).digest('hex')}`
}

export function id(): string {
  return randomBytes(16).toString('base64url')
}

function base62(length: number): string {
  return Array.from(
    randomBytes(length),
    (byte) => '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[byte % 62],
  ).join('')
}

export const serverId = () => `srv_${base62(22)}`
export const keyId = () => `key_${base62(12)}`
export const publicPart = () => base62(12)

export const metadataClient = {
  client_id: 'https://app.example/client.json',
  client_name: 'App',
  kind: 'metadata_document',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['https://app.example/callback'],
}
export const preRegistered = {
  client_id: 'client_claude_code',
  client_name: 'Claude Code',
  kind: 'pre_registered',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['http://localhost/callback'],
}

export const catalogue = [
  { name: 'files:read', description: 'Read your files', required: false, default: true },
  { name: 'files:write', description: 'Change your files', required: false, default: false },
  { name: 'base', description: 'Needed by everything', required: true, default: true },
]

export type Server = { server_id: string; server_url: string; caller: Record<string, unknown> }

/** A verified server with a management token, on a host of its own. */
export async function addServer(
  database: TestDatabase,
  changes: Record<string, unknown> = {},
  status = 'verified',
): Promise<Server> {
  const server_id = serverId()
  const server_url = `https://${randomBytes(6).toString('hex')}.example/mcp`
  const public_part = publicPart()
  const server = { server_url, server_name: 'Files', scopes: catalogue, share_email: true, ...changes }
  const answer = await database.call('register_server', {
    p_server_id: server_id,
    p_server: server,
    p_status: status,
    p_management: { public_part, digest: digest(public_part), kid: 'k1' },
    p_caller: null,
    p_limits: { servers: 20 },
    p_request: request,
  })
  if (answer.outcome !== 'registered') throw new Error(JSON.stringify(answer))
  return {
    server_id,
    server_url: server.server_url,
    caller: { kind: 'management', public_part, digests: [digest(public_part)] },
  }
}

export type Key = { key_id: string; digests: string[] }

export async function addKey(database: TestDatabase, server: Server, key: Record<string, unknown> = {}): Promise<Key> {
  const key_id = keyId()
  const answer = await database.call('create_key', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_key: { key_id, digest: digest(key_id), kid: 'k1', name: 'production', last_four: 'abcd', ...key },
    p_limits: { keys: 10 },
    p_request: request,
  })
  if (answer.outcome !== 'created') throw new Error(JSON.stringify(answer))
  return { key_id, digests: [digest(key_id)] }
}

export type Browser = { cookie: string; session: string }

/** A browser is its two cookies; the session one is only worth something after sign-in. */
export function newBrowser(): Browser {
  return { cookie: id(), session: id() }
}

export type Authorization = Record<string, unknown>

export function openArguments(
  browser: Browser,
  authorization: Authorization = {},
  client: Record<string, unknown> = metadataClient,
) {
  const connection_id = id()
  const resource = authorization.resource
  return {
    p_transaction_id: id(),
    p_browser_digests: [digest(browser.cookie)],
    p_browser_digest: digest(browser.cookie),
    p_kid: 'k1',
    p_session_digests: [digest(browser.session)],
    p_client: client,
    p_authorization: {
      redirect_uri: 'https://app.example/callback',
      state: 'st',
      scope: null,
      resource_candidates: resource === undefined ? [] : [resource],
      resource_is_origin: false,
      code_challenge: verifierChallenge,
      prompt: [],
      issuer,
      redirect_trust: 'unproven',
      ...authorization,
    },
    p_connection_id: connection_id,
    p_code_digest: digest(`code ${connection_id}`),
    p_lifetimes: lifetimes,
    p_max_open_transactions: 10,
    p_request: request,
  }
}

/** Opens a transaction and gives its id beside the answer. */
export async function open(
  database: TestDatabase,
  browser: Browser,
  authorization: Authorization = {},
  client: Record<string, unknown> = metadataClient,
): Promise<Answer & { id: string }> {
  const args = openArguments(browser, authorization, client)
  return { ...(await database.call('open_transaction', args)), id: args.p_transaction_id }
}

export async function sendCode(
  database: TestDatabase,
  browser: Browser,
  transactionId: string,
  email: string,
  code = '12345678',
  changes: Record<string, unknown> = {},
): Promise<Answer> {
  return database.call('send_email_code', {
    p_transaction_id: transactionId,
    p_browser_digests: [digest(browser.cookie)],
    p_email: email,
    p_code_digest: digest(`${transactionId}.${code}`),
    p_kid: 'k1',
    p_limits: codeLimits,
    p_ip: null,
    p_request: request,
    ...changes,
  })
}

export async function verifyCode(
  database: TestDatabase,
  browser: Browser,
  transactionId: string,
  code = '12345678',
  changes: Record<string, unknown> = {},
): Promise<Answer> {
  return database.call('verify_email_code', {
    p_transaction_id: transactionId,
    p_browser_digests: [digest(browser.cookie)],
    p_code_digests: [digest(`${transactionId}.${code}`)],
    p_old_session_digests: [],
    p_session_digest: digest(browser.session),
    p_kid: 'k1',
    p_lifetimes: lifetimes,
    p_limits: codeLimits,
    p_request: request,
    ...changes,
  })
}

export const newEmail = () => `${randomBytes(6).toString('hex')}@mail.example`

/** Signs a browser in and gives the account. */
export async function signIn(
  database: TestDatabase,
  browser: Browser,
  email: string = newEmail(),
): Promise<{ account_id: string; email: string }> {
  const transaction = await open(database, browser, { scope: ['openid'] })
  await sendCode(database, browser, transaction.id, email)
  const answer = await verifyCode(database, browser, transaction.id)
  if (answer.outcome !== 'verified') throw new Error(JSON.stringify(answer))
  return { account_id: String(answer.account_id), email }
}

export async function decide(
  database: TestDatabase,
  browser: Browser,
  transactionId: string,
  changes: Record<string, unknown> = {},
): Promise<Answer & { connection_id: string }> {
  const connection_id = id()
  const answer = await database.call('decide_consent', {
    p_transaction_id: transactionId,
    p_browser_digests: [digest(browser.cookie)],
    p_session_digests: [digest(browser.session)],
    p_session_idle_seconds: lifetimes.session_idle_seconds,
    p_decision: 'approve',
    p_scopes: ['files:read'],
    p_connection_id: connection_id,
    p_code_digest: digest(`code ${connection_id}`),
    p_kid: 'k1',
    p_lifetimes: lifetimes,
    p_request: request,
    ...changes,
  })
  return { ...answer, connection_id }
}

export type Person = Browser & { account_id: string; email: string }

export async function newPerson(database: TestDatabase): Promise<Person> {
  const browser = newBrowser()
  return { ...browser, ...(await signIn(database, browser)) }
}

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
