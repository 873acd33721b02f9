import { createHash, randomBytes } from 'node:crypto'
import type { OwnServer } from '../../bench/visitor.ts'
import { type FormPage, meetFormPerson, scopesShown } from '../support/form-person.ts'
import { openMail } from '../support/mailbox.ts'

/** Everything that a connection lives through, request by request; the first four are pages for a person. */
export type StepName =
  | 'authorize'
  | 'sign-in'
  | 'sign-in code'
  | 'consent'
  | 'exchange'
  | 'introspect'
  | 'userinfo'
  | 'refresh'
  | 'revoke'

/** An answer as a browser or a program sees it; `html` may be JSON. */
export type Seen = FormPage

/** What is done about one step; `send` sends its request, and the same one again however often it is called. */
export type Around = (step: StepName, send: () => Promise<Seen>) => Promise<Seen>

export type Tokens = { readonly access_token: string; readonly refresh_token: string }

export type Traveller = {
  readonly place: { readonly issuer: string; readonly mailboxUrl: string }
  readonly server: OwnServer
  /** A public client that redirects to a loopback host. */
  readonly client_id?: string
  readonly around?: Around
}

export const redirectUri = 'http://localhost:33418/callback'

const scope = 'openid offline_access files:read'

export async function post(url: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(fields) })
  return { status: response.status, headers: response.headers, html: await response.text(), leftTo: null, ledTo: null }
}

/** @throws Error where the last word on a step is no success */
function expected(step: StepName, seen: Seen): Seen {
  if (seen.status < 400) return seen
  throw new Error(`${step} answered ${seen.status}: ${seen.html.slice(0, 1500)}`)
}

/** One person connects one client to one server, in a browser: from nothing to a code. */
export async function connect({ place, server, client_id = 'client_install_mcp', around = plainly }: Traveller) {
  const code_verifier = randomBytes(32).toString('base64url')
  const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
  const url = new URL('/authorize', place.issuer)
  const request = { response_type: 'code', client_id, redirect_uri: redirectUri, state: 's', scope }
  const pkce = { code_challenge, code_challenge_method: 'S256', resource: server.server_url }
  url.search = new URLSearchParams({ ...request, ...pkce }).toString()
  const person = meetFormPerson(place)
  const mail = openMail(place.mailboxUrl, person.email)
  const step = async (name: StepName, send: () => Promise<FormPage>): Promise<FormPage> => {
    let last: FormPage | undefined
    // Whoever was led to a page that failed reloads that page: the form before it is done.
    const again = async (): Promise<FormPage> => {
      const ledTo = last?.ledTo ?? null
      const page = await (ledTo === null ? send() : person.open(ledTo))
      last = { ...page, ledTo: page.ledTo ?? ledTo }
      return last
    }
    return expected(name, await around(name, again))
  }
  const signIn = await step('authorize', () => person.open(url))
  const enterCode = await step('sign-in', () => person.submit(signIn, '/sign-in', { email: person.email }))
  const code = await mail.nextCode()
  const consent = await step('sign-in code', () => person.submit(enterCode, '/sign-in/code', { code }))
  const decision = { decision: 'approve', scope: scopesShown(consent) }
  const { leftTo } = await step('consent', () => person.submit(consent, '/consent', decision))
  return { client_id, code_verifier, person, code: leftTo?.searchParams.get('code') ?? '' }
}

const plainly: Around = (_step, send) => send()

export type Connected = Awaited<ReturnType<typeof connect>>

export function exchangeOf({ place, server }: Traveller, connected: Connected): () => Promise<Seen> {
  const { client_id, code_verifier, code } = connected
  const fields = { grant_type: 'authorization_code', code, client_id, code_verifier, redirect_uri: redirectUri }
  return () => post(`${place.issuer}/token`, { ...fields, resource: server.server_url })
}

export function refreshOf({ place }: Traveller, { client_id }: Connected, refresh_token: string): () => Promise<Seen> {
  return () => post(`${place.issuer}/token`, { grant_type: 'refresh_token', refresh_token, client_id })
}

export function introspectionOf({ place, server }: Traveller, token: string): () => Promise<Seen> {
  const credentials = Buffer.from(`${server.server_id}:${server.api_key}`).toString('base64')
  return () => post(`${place.issuer}/introspect`, { token }, { authorization: `Basic ${credentials}` })
}

export async function isActive(traveller: Traveller, token: string): Promise<boolean> {
  const seen = await introspectionOf(traveller, token)()
  return (JSON.parse(expected('introspect', seen).html) as { active: boolean }).active
}

export const tokensIn = (seen: Seen): Tokens => JSON.parse(seen.html) as Tokens

/** The whole life of one connection: connected, used, refreshed, ended. */
export async function walk(traveller: Traveller): Promise<{ readonly first: Tokens; readonly second: Tokens }> {
  const { place, around = plainly } = traveller
  const step = async (name: StepName, send: () => Promise<Seen>) => expected(name, await around(name, send))
  const connected = await connect(traveller)
  const first = tokensIn(await step('exchange', exchangeOf(traveller, connected)))
  const introspected = await step('introspect', introspectionOf(traveller, first.access_token))
  if (!introspected.html.includes('"active":true')) throw new Error(`not active: ${introspected.html}`)
  const headers = { authorization: `Bearer ${first.access_token}` }
  await step('userinfo', () => post(`${place.issuer}/userinfo`, {}, headers))
  const second = tokensIn(await step('refresh', refreshOf(traveller, connected, first.refresh_token)))
  if (!(await isActive(traveller, second.access_token))) throw new Error('the refreshed token is not active')
  const { client_id } = connected
  await step('revoke', () => post(`${place.issuer}/revoke`, { token: second.refresh_token, client_id }))
  if (await isActive(traveller, second.access_token)) throw new Error('the token outlives its revocation')
  return { first, second }
}
