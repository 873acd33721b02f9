import { calculatePKCECodeChallenge, generateRandomCodeVerifier, generateRandomState } from 'oauth4webapi'
import { type FormPerson, meetFormPerson } from '../support/form-person.ts'
import { type RegisteredServer, registerServer } from './owner.ts'
import { at, place } from './place.ts'

export const clientId = 'client_claude_code'
export const otherClientId = 'client_install_mcp'
export const redirectUri = 'http://localhost:33418/callback'

type Fields = Record<string, string | undefined>

export type Request = { readonly url: URL; readonly verifier: string; readonly state: string }

export function withParameters(path: string, fields: Fields): URL {
  const url = at(path)
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) url.searchParams.set(name, value)
  return url
}

/** An authorization request that is right in everything but the given fields; undefined leaves one out. */
export async function authorizationRequest(fields: Fields = {}): Promise<Request> {
  const verifier = generateRandomCodeVerifier()
  const state = generateRandomState()
  const url = withParameters('/authorize', {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...fields,
  })
  return { url, verifier, state }
}

export function post(path: string, fields: Fields, headers: Record<string, string> = {}): Promise<Response> {
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) body.set(name, value)
  return fetch(at(path), { method: 'POST', body, headers })
}

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: Record<string, unknown> }

export async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] }
}

export const basic = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` })
export const bearer = (token: unknown) => ({ authorization: `Bearer ${token}` })

export type Granted = {
  readonly person: FormPerson
  readonly server: RegisteredServer
  readonly code: string
  readonly verifier: string
}

/** A code that a person has just approved for a server of its own, not yet exchanged. */
export async function grantedCode(fields: Fields = {}, given: Partial<Granted> = {}): Promise<Granted> {
  const server = given.server ?? (await registerServer())
  const person = given.person ?? meetFormPerson(place)
  const { url, verifier } = await authorizationRequest({ resource: server.server_url, ...fields })
  const landed = await person.approve(url)
  return { person, server, verifier, code: landed.searchParams.get('code') ?? '' }
}

export async function exchange(granted: Granted, fields: Fields = {}): Promise<Answer> {
  const right = { client_id: clientId, redirect_uri: redirectUri, resource: granted.server.server_url }
  const grant = { grant_type: 'authorization_code', code: granted.code, code_verifier: granted.verifier }
  return answerOf(await post('/token', { ...grant, ...right, ...fields }))
}

export type Connected = Granted & {
  readonly access_token: string
  readonly refresh_token: string
  readonly answer: Answer
}

/** A connection: approved, exchanged, with the tokens of its first answer. */
export async function connect(fields: Fields = {}, given: Partial<Granted> = {}): Promise<Connected> {
  const granted = await grantedCode(fields, given)
  const answer = await exchange(granted)
  if (answer.status !== 200) throw new Error(`/token answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  const { access_token, refresh_token } = answer.body
  return { ...granted, answer, access_token: String(access_token), refresh_token: String(refresh_token) }
}

export async function refresh(refresh_token: unknown, fields: Fields = {}): Promise<Answer> {
  const right = { grant_type: 'refresh_token', client_id: clientId, refresh_token: String(refresh_token) }
  return answerOf(await post('/token', { ...right, ...fields }))
}

export async function introspect(server: RegisteredServer, token: unknown, fields: Fields = {}): Promise<Answer> {
  const credentials = basic(server.server_id, server.api_key)
  return answerOf(await post('/introspect', { token: String(token), ...fields }, credentials))
}
