import { randomBytes } from 'node:crypto'
import type { Answer, TestDatabase } from './database.ts'
import {
  catalogue,
  codeLimits,
  digest,
  id,
  issuer,
  keyId,
  lifetimes,
  metadataClient,
  newEmail,
  publicPart,
  request,
  serverId,
  verifierChallenge,
} from './values.ts'

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
