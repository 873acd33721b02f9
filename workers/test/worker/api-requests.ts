import { s256 } from '../../src/crypto/pkce.ts'
import { authorizeUrl, redirectUri } from './requests.ts'
import { type Answer, meetVisitor, send } from './visitor.ts'

export type Json = Readonly<Record<string, unknown>>

/** One call of the management API. */
export async function callApi(
  method: string,
  path: string,
  token?: string,
  body?: unknown,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer & { json: Json }> {
  const headers = {
    ...more,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const answer = await send(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
  return { ...answer, json: answer.text === '' ? {} : (JSON.parse(answer.text) as Json) }
}

export function newServerUrl(): string {
  return `http://localhost:9401/${crypto.randomUUID()}/mcp`
}

export type Managed = {
  readonly server_id: string
  readonly server_url: string
  readonly token: string
  readonly path: string
}

/** A server that nobody owns yet, and its management token. */
export async function registerManaged(more: Json = {}): Promise<Managed> {
  const body = { server_url: newServerUrl(), server_name: 'Team files', scopes: ['files:read'], ...more }
  const { json } = await callApi('POST', '/api/servers', undefined, body)
  const [server_id, server_url] = [String(json.server_id), String(json.server_url)]
  return { server_id, server_url, token: String(json.management_token), path: `/api/servers/${server_id}` }
}

const verifier = 'another-test-verifier-that-is-long-enough-1'

export type Owner = { readonly token: string; readonly email: string; readonly user_id: string }

/** A new person with an access token for this server's own API, by sign-in and consent. */
export async function meetOwner(scope = 'servers:read servers:write keys:write'): Promise<Owner> {
  const visitor = meetVisitor()
  const code_challenge = await s256(verifier)
  const resource = 'http://localhost:9400/api'
  const page = await visitor.signIn(await visitor.open(authorizeUrl({ resource, scope, code_challenge })))
  const answer = await visitor.submit(page, '/consent', { decision: 'approve', scope: scope.split(' ') })
  const code = answer.location?.searchParams.get('code') ?? ''
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    client_id: 'client_claude_code',
    code_verifier: verifier,
    resource,
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const { text, status } = await send('/token', { method: 'POST', body: body.toString(), headers })
  if (status !== 200) throw new Error(`the token endpoint answered ${status}: ${text}`)
  const token = (JSON.parse(text) as { access_token: string }).access_token
  const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as {
    sub: string
  }
  return { token, email: visitor.email, user_id: claims.sub }
}

export async function ownerToken(scope?: string): Promise<string> {
  return (await meetOwner(scope)).token
}

/** Introspection with an API key, of a token that is signed but not for this server: it tells whether the key is good. */
export function introspectWith(key: string, token: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-www-form-urlencoded' }
  return send('/introspect', { method: 'POST', body: new URLSearchParams({ token }).toString(), headers })
}
