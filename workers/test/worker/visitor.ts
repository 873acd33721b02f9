import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import worker from '../../src/index.ts'
import { patientLimits } from '../support/patient-limits.ts'
import { hasCode, mailsTo } from './mails.ts'

export const issuer = 'http://localhost:9400'

export type Variables = Readonly<Record<string, unknown>>

export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Where a redirect points, absolute; null when there is none. */
  readonly location: URL | null
  readonly setCookies: readonly string[]
}

type Sending = { readonly method?: string; readonly body?: string; readonly headers?: Record<string, string> }

/** The Worker keeps what it built for an environment, so equal variables are one object, as in an isolate. */
const environments = new WeakMap<Variables, Record<string, unknown>>()
const usual: Variables = {}

function environmentOf(variables: Variables): Record<string, unknown> {
  const LIMITS = patientLimits(variables.LIMITS, 'database_milliseconds')
  const known = environments.get(variables) ?? { ...env, ...variables, LIMITS }
  environments.set(variables, known)
  return known
}

/** One request to the Worker, without a browser; what it still does after its answer is waited for. */
export async function send(path: string | URL, sending: Sending = {}, variables = usual): Promise<Answer> {
  const context = createExecutionContext()
  const base = typeof variables.ISSUER === 'string' ? variables.ISSUER : issuer
  const request = new Request<unknown, IncomingRequestCfProperties>(new URL(path, base), {
    ...sending,
    redirect: 'manual',
  })
  const response = await worker.fetch(request, environmentOf(variables), context)
  const text = await response.text()
  await waitOnExecutionContext(context)
  const location = response.headers.get('location')
  return {
    status: response.status,
    headers: response.headers,
    text,
    location: location === null ? null : new URL(location, base),
    setCookies: response.headers.getSetCookie(),
  }
}

const entities: Record<string, string> = { '&amp;': '&', '&quot;': '"', '&#39;': "'", '&lt;': '<', '&gt;': '>' }

export function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return value?.replace(/&(?:amp|quot|#39|lt|gt);/g, (entity) => entities[entity] ?? entity)
}

/** The page without the one script of ours that its policy lets in, once: what else looks like a script is not ours. */
export function withoutOwnScript({ headers, text }: Answer): string {
  const nonce = /script-src 'nonce-([A-Za-z0-9_-]{43})'(?:;|$)/.exec(headers.get('content-security-policy') ?? '')?.[1]
  return nonce === undefined ? text : text.replace(new RegExp(`<script nonce="${nonce}">[\\s\\S]*?</script>`), '')
}

/** The hidden fields of the form that posts to `action`; undefined when the page has no such form. */
export function hiddenFields(answer: Answer, action: string): URLSearchParams | undefined {
  const forms = answer.text.match(/<form[\s\S]*?<\/form>/g) ?? []
  const form = forms.find((text) => attribute(text, 'action') === action)
  if (form === undefined) return undefined
  const inputs = (form.match(/<input[^>]*>/g) ?? []).filter((tag) => attribute(tag, 'type') === 'hidden')
  return new URLSearchParams(inputs.map((tag) => [attribute(tag, 'name') ?? '', attribute(tag, 'value') ?? '']))
}

type Fields = Readonly<Record<string, string | readonly string[]>>

/** A browser without JavaScript: cookies, and forms with our Origin. It follows nothing by itself. */
export type Visitor = {
  readonly email: string
  readonly cookies: Map<string, string>
  readonly open: (path: string | URL, headers?: Record<string, string>) => Promise<Answer>
  readonly post: (path: string, body: URLSearchParams, headers?: Record<string, string>) => Promise<Answer>
  /** Sends a form of the page with its hidden fields and these; a field given here replaces a hidden one. */
  readonly submit: (page: Answer, action: string, fields?: Fields, headers?: Record<string, string>) => Promise<Answer>
  /** Opens where a redirect points. */
  readonly follow: (answer: Answer) => Promise<Answer>
  readonly nextCode: () => Promise<string>
  /** From the sign-in page to the consent page. */
  readonly signIn: (page: Answer) => Promise<Answer>
}

function withFields(hidden: URLSearchParams, fields: Fields): URLSearchParams {
  const body = new URLSearchParams(hidden)
  for (const name of Object.keys(fields)) body.delete(name)
  for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) body.append(name, each)
  return body
}

function keepCookies(cookies: Map<string, string>, answer: Answer): void {
  for (const line of answer.setCookies) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (value === '' || /max-age=0(?:;|$)/i.test(line)) cookies.delete(name)
    else cookies.set(name, value)
  }
}

export function meetVisitor(variables = usual): Visitor {
  const email = `person-${crypto.randomUUID()}@example.com`
  const cookies = new Map<string, string>()
  let codesRead = 0
  const nextCode = async (): Promise<string> => {
    const mails = (await mailsTo(email)).filter(hasCode)
    const mail = mails[mails.length - 1 - codesRead]
    if (mail === undefined) throw new Error(`${email} has no further mail`)
    codesRead += 1
    return /\b\d{8}\b/.exec(mail.text)?.[0] ?? ''
  }
  const origin = typeof variables.ISSUER === 'string' ? variables.ISSUER : issuer
  const go = async (path: string | URL, sending: Sending): Promise<Answer> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...(cookie !== '' && { cookie }), ...sending.headers }
    const answer = await send(path, { ...sending, headers }, variables)
    keepCookies(cookies, answer)
    return answer
  }
  const open: Visitor['open'] = (path, headers = {}) => go(path, { headers })
  const post: Visitor['post'] = (path, body, headers = {}) => {
    const usual = { origin, 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
    return go(path, { method: 'POST', body: body.toString(), headers: { ...usual, ...headers } })
  }
  const submit: Visitor['submit'] = (page, action, fields = {}, headers = {}) => {
    const hidden = hiddenFields(page, action)
    if (hidden === undefined) throw new Error(`status ${page.status}: no form posts to ${action}`)
    return post(action, withFields(hidden, fields), headers)
  }
  const follow: Visitor['follow'] = (answer) => {
    if (answer.location === null)
      throw new Error(`status ${answer.status} is no redirect: ${answer.text.slice(0, 500)}`)
    return open(answer.location)
  }
  const signIn: Visitor['signIn'] = async (page) => {
    const codePage = await follow(await submit(page, '/sign-in', { email }))
    return follow(await submit(codePage, '/sign-in/code', { code: await nextCode() }))
  }
  return { email, cookies, open, post, submit, follow, nextCode, signIn }
}
