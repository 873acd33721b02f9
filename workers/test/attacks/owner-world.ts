import { openApiDocument } from '../../src/protocol/api-description.ts'
import { connect, house, type Owner } from '../support/worker/flow.ts'
import { connectionOf, sql } from '../support/worker/sql.ts'
import { newServerUrl } from '../worker/api-requests.ts'
import { hiddenFields, meetVisitor, type Visitor } from '../worker/visitor.ts'

/** An owner with one of each thing that an owner can have. */
export type World = {
  readonly visitor: Visitor
  readonly account_id: string
  readonly token: string
  readonly ids: Readonly<Record<string, string>>
}

async function signedIn(): Promise<Visitor> {
  const visitor = meetVisitor()
  const asked = await visitor.open('/dashboard')
  const code = await visitor.follow(
    await visitor.submit(await visitor.follow(asked), '/sign-in', { email: visitor.email }),
  )
  await visitor.follow(await visitor.submit(code, '/sign-in/code', { code: await visitor.nextCode() }))
  return visitor
}

/** One call of the management API. */
export function call(method: string, path: string, token: string | undefined, body?: unknown) {
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  return house.send(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
}

const scopes = ['servers:read', 'servers:write', 'keys:write']

async function personalToken(visitor: Visitor): Promise<string> {
  const path = '/dashboard/tokens'
  const fields = { act: 'create_token', name: 'all', days: '7', scope: scopes }
  const { text } = await visitor.submit(await visitor.open(path), path, fields)
  return /<code class="secret">([^<]+)<\/code>/.exec(text)?.[1] ?? ''
}

export async function openWorld(): Promise<World> {
  const visitor = await signedIn()
  const token = await personalToken(visitor)
  const made = async (path: string, body: object) => (await call('POST', path, token, body)).json ?? {}
  const registration = { server_url: newServerUrl(), server_name: 'Team files', scopes: ['files:read'] }
  const { server_id } = await made('/api/servers', registration)
  const path = `/api/servers/${server_id}`
  const { key_id } = await made(`${path}/keys`, { name: 'x' })
  const { rule_id } = await made(`${path}/client-rules`, { effect: 'block', host: 'evil.example' })
  const { webhook_id } = await made(`${path}/webhooks`, { url: 'https://hooks.example.com/x' })
  const [account] = await sql('select account_id from mcp_data.accounts where email = $1', [visitor.email])
  const account_id = String(account?.account_id)
  const [tok] = await sql('select token_id from mcp_data.personal_tokens where account_id = $1', [account_id])
  const { code } = await connect({ server_id, server_url: registration.server_url } as Owner, { scope: 'files:read' })
  // Given up, so that no other test's run of the webhooks sends it.
  const [message] = await sql(
    'update mcp_data.webhook_messages set attempts = 8, next_attempt_at = null where webhook_id = $1 returning message_id',
    [webhook_id],
  )
  const connection_id = connectionOf(code)
  const ids = {
    server_id,
    key_id,
    rule_id,
    webhook_id,
    connection_id,
    token_id: tok?.token_id,
    message_id: message?.message_id,
  }
  return {
    visitor,
    account_id,
    token,
    ids: Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, String(id)])),
  }
}

/** Everything of an owner's that a stranger could change, as one text; times of use do not count. */
export async function stateOf({ account_id, ids }: World): Promise<string> {
  const of = (table: string, where: string, id: string | undefined) =>
    sql(
      `select coalesce(jsonb_agg(to_jsonb(t) - 'last_used_at' - 'refresh_idle_expires_at' order by t::text), '[]') as rows
       from mcp_data.${table} t where ${where} = $1`,
      [id],
    )
  return JSON.stringify([
    await of('servers', 'server_id', ids.server_id),
    await of('server_keys', 'server_id', ids.server_id),
    await of('server_client_rules', 'server_id', ids.server_id),
    await of('webhooks', 'server_id', ids.server_id),
    await of('webhook_messages', 'webhook_id', ids.webhook_id),
    await of('connections', 'server_id', ids.server_id),
    await of('personal_tokens', 'account_id', account_id),
  ])
}

type Operation = { readonly method: string; readonly path: string; readonly isOpen: boolean; readonly body: unknown }

/** A body that is right, for each operation that has one. */
const bodies: Readonly<Record<string, unknown>> = {
  registerServer: { server_url: 'https://files.example.com/mcp', server_name: 'Files', scopes: ['files:read'] },
  changeServer: { server_name: 'Taken' },
  createKey: { name: 'taken' },
  createClientRule: { effect: 'block', host: 'app.example.com' },
  createWebhook: { url: 'https://evil.example.com/x' },
  offerServer: { email: 'evil@example.com' },
  acceptServer: { revoke_keys: true },
  createPersonalToken: { name: 'taken', scopes: ['servers:read'] },
}

type Documented = { operationId: string; security: readonly object[]; requestBody?: unknown }

/** Every operation that /openapi.json names, so that a new one is attacked by itself. */
export function operations(): Operation[] {
  const paths = openApiDocument.paths as Record<string, Record<string, Documented>>
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, security, requestBody }]) => {
      if (requestBody !== undefined && bodies[operationId] === undefined) throw new Error(`no body for ${operationId}`)
      return {
        method: method.toUpperCase(),
        path,
        isOpen: security.some((one) => Object.keys(one).length === 0),
        body: requestBody === undefined ? undefined : bodies[operationId],
      }
    }),
  )
}

/** The path with these ids in its places. */
export const filled = (path: string, ids: Readonly<Record<string, string>>) =>
  path.replaceAll(/\{(\w+)\}/g, (_place, name: string) => ids[name] ?? '')

/** Every form of a server's pages: the page, and the fields of its button; in an order in which each can be sent. */
export function actsOn({ ids }: World): [string, Record<string, string>][] {
  return [
    ['', { act: 'verify' }],
    ['', { act: 'check' }],
    ['', { act: 'settings', server_name: 'Taken', share_email: 'yes' }],
    ['', { act: 'scopes', name_0: 'evil:write' }],
    ['', { act: 'offer', email: 'evil@example.com' }],
    ['', { act: 'withdraw' }],
    ['/keys', { act: 'create_key', name: 'taken' }],
    ['/keys', { act: 'revoke_key', id: ids.key_id ?? '' }],
    ['/clients', { act: 'policy', policy: 'listed' }],
    ['/clients', { act: 'block', subject: 'app.example.com' }],
    ['/clients', { act: 'allow', subject: 'good.example.com' }],
    ['/clients', { act: 'remove_rule', id: ids.rule_id ?? '' }],
    ['/clients', { act: 'disconnect', id: ids.connection_id ?? '' }],
    ['/webhooks', { act: 'create_webhook', url: 'https://evil.example.com/x', event: 'connection.made' }],
    ['/webhooks', { act: 'replay', id: ids.message_id ?? '', webhook: ids.webhook_id ?? '' }],
    ['/webhooks', { act: 'delete_webhook', id: ids.webhook_id ?? '' }],
    ['', { act: 'delete' }],
  ]
}

/** A token that fits the forms of this visitor's dashboard. */
export async function csrfOf(visitor: Visitor): Promise<string> {
  return hiddenFields(await visitor.open('/dashboard'), '/dashboard')?.get('csrf') ?? ''
}
