import { s256 } from '../../../src/crypto/pkce.ts'
import { randomBase64Url } from '../../../src/crypto/random.ts'
import { authorizeUrl, clientId, type Fields, redirectUri, type ScopeInput } from '../../worker/requests.ts'
import { meetVisitor, type Visitor } from '../../worker/visitor.ts'
import { type Answer, type House, openHouse, type Sending } from './house.ts'
import { sql } from './sql.ts'

/** The deployment that most tests share. */
export const house: House = openHouse()

export type Owner = {
  readonly server_id: string
  readonly server_url: string
  readonly management_token: string
  readonly key_id: string
  readonly key_secret: string
}

export type Tokens = {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token?: string
  readonly scope: string
  readonly expires_in: number
  readonly token_type: string
}

export type Grant = { readonly code: string; readonly verifier: string; readonly visitor: Visitor }

function sendJson(path: string, body: unknown, token?: string): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  return house.send(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

function must(answer: Answer, status: number): Record<string, string> {
  if (answer.status !== status) throw new Error(`answered ${answer.status}: ${answer.text}`)
  return answer.json as Record<string, string>
}

/** A server of its own for a test, with an API key, made through the public API. */
export async function openServer(
  scopes: readonly ScopeInput[] = ['files:read', 'files:write'],
  more: Readonly<Record<string, unknown>> = {},
): Promise<Owner> {
  const server_url = String(more.server_url ?? `http://localhost:9401/${crypto.randomUUID()}/mcp`)
  const asked = { server_name: 'Team files', scopes, ...more, server_url }
  const { server_id = '', management_token = '' } = must(await sendJson('/api/servers', asked), 201)
  return { server_id, server_url, management_token, ...(await makeKey(server_id, management_token)) }
}

export async function makeKey(server_id: string, management_token: string) {
  const made = must(await sendJson(`/api/servers/${server_id}/keys`, { name: 'test' }, management_token), 201)
  return { key_id: made.key_id ?? '', key_secret: made.key_secret ?? '' }
}

/** Authorizes through sign-in and consent, everything ticked that is asked for. */
export async function authorize(
  fields: Fields,
  visitor: Visitor = meetVisitor(),
  ticked = fields.scope ?? 'files:read files:write',
): Promise<Grant> {
  const verifier = randomBase64Url(32)
  const page = await visitor.open(authorizeUrl({ code_challenge: await s256(verifier), ...fields }))
  const consent = page.text.includes('name="decision"') ? page : await visitor.signIn(page)
  const answer = await visitor.submit(consent, '/consent', { decision: 'approve', scope: ticked.split(' ') })
  const code = answer.location?.searchParams.get('code')
  if (code === null || code === undefined) throw new Error(`no code: ${answer.status} ${answer.location}`)
  return { code, verifier, visitor }
}

/** One form post; undefined leaves a field out. */
export function form(fields: Fields, headers: Readonly<Record<string, string>> = {}): Sending {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined)
  const body = new URLSearchParams(given).toString()
  return { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body }
}

export function exchange(grant: Omit<Grant, 'visitor'>, fields: Fields = {}, at = house): Promise<Answer> {
  const { code, verifier: code_verifier } = grant
  const right = {
    grant_type: 'authorization_code',
    code,
    code_verifier,
    client_id: clientId,
    redirect_uri: redirectUri,
  }
  return at.send('/token', form({ ...right, ...fields }))
}

export function refresh(refresh_token: string, fields: Fields = {}, at = house): Promise<Answer> {
  return at.send('/token', form({ grant_type: 'refresh_token', refresh_token, client_id: clientId, ...fields }))
}

export type Key = Pick<Owner, 'server_id' | 'key_secret'>

export const basic = (user: string, password: string) => `Basic ${btoa(`${user}:${password}`)}`

export function introspect(key: Key, token: string, at = house): Promise<Answer> {
  return at.send('/introspect', form({ token }, { authorization: basic(key.server_id, key.key_secret) }))
}

export async function isActive(key: Key, token: string, at = house): Promise<boolean> {
  const { status, json } = await introspect(key, token, at)
  if (status !== 200) throw new Error(`introspection answered ${status}`)
  return json?.active === true
}

/** A client of a test's own, so that blocking it disturbs no other test. */
export async function registerClient(method = 'none'): Promise<string> {
  const client_id = `client_${crypto.randomUUID().slice(0, 8)}`
  const text = `insert into mcp_data.clients (client_id, client_name, redirect_uris, token_endpoint_auth_method)
    values ($1, 'Other', array['http://localhost/callback'], $2)`
  await sql(text, [client_id, method])
  return client_id
}

export function revoke(token: string, fields: Fields = {}): Promise<Answer> {
  return house.send('/revoke', form({ token, client_id: clientId, ...fields }))
}

export function userinfo(token: string): Promise<Answer> {
  return house.send('/userinfo', { headers: { authorization: `Bearer ${token}` } })
}

export function tokensOf(answer: Answer): Tokens {
  must(answer, 200)
  return answer.json as unknown as Tokens
}

/** A person who has connected the client to a server: from nothing to tokens. */
export async function connect(owner: Owner, fields: Fields = {}, visitor?: Visitor): Promise<Tokens & Grant> {
  const grant = await authorize({ resource: owner.server_url, ...fields }, visitor)
  return {
    ...grant,
    ...tokensOf(await exchange(grant, fields.client_id === undefined ? {} : { client_id: fields.client_id })),
  }
}
