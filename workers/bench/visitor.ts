/** An owner with a server and a person who approves: enough to get one real connection to measure with. */
import { createHash, randomBytes } from 'node:crypto'
import { meetFormPerson } from '../test/support/form-person.ts'

export type Place = { issuer: string; mailboxUrl: string }
export type OwnServer = { server_id: string; server_url: string; api_key: string }
export type ApprovedCode = { code: string; redirect_uri: string; code_verifier: string; client_id: string }

const scopes = ['files:read', 'files:write']
const client_id = 'client_claude_code'
const redirect_uri = 'http://localhost:33418/callback'

async function create(url: string, body: unknown, token?: string): Promise<Record<string, unknown>> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  if (answer.status !== 201) throw new Error(`POST ${url} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}

/** Registers a server and makes a key, as the README tells an owner to. */
export async function registerOwnServer(issuer: string): Promise<OwnServer> {
  const server_url = 'http://localhost:33417/mcp'
  const registered = await create(`${issuer}/api/servers`, { server_url, server_name: 'Bench', scopes })
  const server_id = String(registered.server_id)
  const keys = `${issuer}/api/servers/${server_id}/keys`
  const key = await create(keys, { name: 'bench' }, String(registered.management_token))
  return { server_id, server_url, api_key: String(key.key_secret) }
}

/** Goes from /authorize through sign-in and consent to a code that nobody has used yet. */
export async function approve(place: Place, { server_url }: OwnServer): Promise<ApprovedCode> {
  const code_verifier = randomBytes(32).toString('base64url')
  const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
  const request = { response_type: 'code', client_id, redirect_uri, code_challenge, code_challenge_method: 'S256' }
  const url = new URL('/authorize', place.issuer)
  url.search = new URLSearchParams({ ...request, resource: server_url, scope: scopes.join(' ') }).toString()
  const code = (await meetFormPerson(place).approve(url)).searchParams.get('code')
  if (code === null) throw new Error('consent gave no code')
  return { code, redirect_uri, code_verifier, client_id }
}
