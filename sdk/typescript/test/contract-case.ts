import { readFileSync } from 'node:fs'
import { type Keys, lay, signToken, type TokenParts } from './contract-token.ts'

/** The shapes of `sdk/contract/*.json`, explained in its README. */
export type ContractCase = {
  name: string
  config?: Record<string, unknown>
  tokens?: Record<string, Partial<TokenParts>>
  issuer?: (string | IssuerAnswer)[]
  refused_at_start?: boolean
  exchanges?: Exchange[]
}

export type Exchange = {
  at_seconds?: number
  times?: number
  request: {
    url?: string
    path?: string
    method?: string
    headers?: [string, string][]
    body?: unknown
    text?: string
    base64?: string
  }
  handler?: HandlerAnswer
  expect: {
    status: number
    headers: Record<string, string | string[]>
    body?: string | object | null
    text?: string
    handler_ran: boolean
    user?: object
    issuer_calls: number
  }
}

/** What the handler answers instead of the user. */
export type HandlerAnswer = {
  status: number
  headers: Record<string, string>
  body?: unknown
  text?: string
  base64?: string
  chunks?: string[]
}

type IssuerAnswer =
  | { to?: string; status: number; headers: Record<string, string>; body?: unknown; text?: string }
  | { failure: 'network' | 'timeout' }

export type Defaults = {
  now_seconds: number
  config: Record<string, unknown>
  texts: Record<string, string>
  keys: Keys
  token: Pick<TokenParts, 'header' | 'claims'>
  issuer_answers: Record<string, IssuerAnswer>
  header_lists: Record<string, Record<string, string>>
  bodies: Record<string, object>
}

export function loadDefaults(folder: URL): Defaults {
  return JSON.parse(readFileSync(new URL('defaults.json', folder), 'utf8'))
}

/** The options of a case, but for those that stand for the issuer. */
export function optionsOf(defaults: Defaults, { config = {} }: ContractCase): Record<string, unknown> {
  // Fifty requests at once may take a busy machine seconds: only the cases about time-outs have short ones.
  return lay({ timeoutMs: 30_000, ...defaults.config }, fill(defaults, config))
}

/** The defaults, with the tokens of one case among the texts. */
export function withTokens(defaults: Defaults, { tokens = {} }: ContractCase): Defaults {
  const signed = Object.entries(tokens).map(([name, parts]) => [name, signToken(parts, defaults.token, defaults.keys)])
  return { ...defaults, texts: { ...defaults.texts, ...Object.fromEntries(signed) } }
}

/** Puts the named texts and the repeated letters in place of their braces, in every text of a value. */
export function fill<T>(defaults: Defaults, value: T): T {
  if (typeof value === 'string') return expand(defaults, value) as T
  if (Array.isArray(value)) return value.map((member) => fill(defaults, member)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fill(defaults, member)])) as T
}

function expand(defaults: Defaults, text: string): string {
  return text
    .replace(/\{([a-z_]+)\}/g, (all, name) => defaults.texts[name] ?? all)
    .replace(/\{(.)\*(\d+)\}/g, (_, letter, times) => letter.repeat(Number(times)))
}

export function expectedHeaders(defaults: Defaults, wanted: Record<string, string | string[]>): Record<string, string> {
  const { like = [], ...own } = wanted
  const lists = [like].flat().map((name) => defaults.header_lists[name] ?? {})
  return Object.assign({}, ...lists, own)
}

/** A fetch that answers from the list, and refuses to be asked without the key or more often than the list is long. */
export function scriptIssuer(defaults: Defaults, script: (string | IssuerAnswer)[], apiKey: string) {
  let calls = 0
  let held = Promise.resolve()
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const next = script[calls++]
    const answer = typeof next === 'string' ? defaults.issuer_answers[next] : next
    if (answer === undefined) throw new Error('the script of the issuer has ended')
    if ('to' in answer && !String(input).endsWith(answer.to ?? '')) throw new Error(`${input} was asked`)
    const credential = new Headers(init?.headers).get('authorization')
    if (String(input).endsWith('/introspect') && !atob(credential?.slice(6) ?? '').endsWith(`:${apiKey}`)) {
      return new Response('{}', { status: 401 })
    }
    await held
    if (!('failure' in answer)) return respond(fill(defaults, answer))
    if (answer.failure === 'network') throw new TypeError('fetch failed')
    return new Promise((_, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
    })
  }
  const holdUntil = (moment: Promise<void>) => {
    held = moment
  }
  return { fetch, calls: () => calls, holdUntil }
}

function respond(answer: { status: number; headers: Record<string, string>; body?: unknown; text?: string }): Response {
  const text = answer.text ?? JSON.stringify(answer.body)
  return new Response(text === '' ? null : text, { status: answer.status, headers: answer.headers })
}
