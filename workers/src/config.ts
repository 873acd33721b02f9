import * as z from 'zod/mini'
import { defaultLifetimes, defaultLimits, type Lifetimes, type Limits } from './config-defaults.ts'
import * as values from './config-values.ts'
import type { KeyRing } from './crypto/digest.ts'
import type { PrivateJwk } from './crypto/signing-keys.ts'

export type EmailSettings =
  | { readonly sender: 'resend'; readonly from: string; readonly apiKey: string }
  | { readonly sender: 'webhook'; readonly url: string; readonly secret: string }

export type Config = {
  /** One canonical string, no trailing slash: the same in metadata, `iss` and tokens. */
  readonly issuer: string
  readonly issuerIsLoopback: boolean
  readonly serviceName: string
  readonly supabase: { readonly url: string; readonly key: string }
  readonly tokenPeppers: KeyRing
  readonly cookieKeys: KeyRing
  readonly signingKeys: readonly PrivateJwk[]
  readonly clientAddressHeader: string
  readonly email: EmailSettings
  readonly privateUseSchemes: readonly string[]
  readonly limits: Limits
  readonly lifetimes: Lifetimes
}

export type Variable = {
  readonly name: string
  readonly isSecret: boolean
  /** What stands in for it when it is absent; undefined: it is needed (or, for e-mail, needed by the sender). */
  readonly standard?: string
  readonly description: string
}

/** Every variable of the Worker: docs/configuration.md is made from this table. */
export const variables = [
  {
    name: 'ISSUER',
    isSecret: false,
    description:
      'The public origin of this server, for example `https://mcp.example.com`: lower case, no trailing slash. `http` only on localhost, 127.0.0.1 or [::1]; on loopback, cookies and server URLs may be http too.',
  },
  { name: 'SUPABASE_URL', isSecret: false, description: 'The URL of the Supabase project; `http` only on loopback.' },
  {
    name: 'SUPABASE_KEY',
    isSecret: true,
    description: 'A JWT with `role: mcp_worker` signed for the project (least privilege), or a Supabase secret key.',
  },
  {
    name: 'TOKEN_PEPPERS',
    isSecret: true,
    description:
      'Keys under which secrets are digested before they are stored: `kid:base64url(32 random bytes)`, comma-separated, newest first, at most two.',
  },
  {
    name: 'COOKIE_KEYS',
    isSecret: true,
    description: 'Keys of form tokens, in the same form. Never the same key as in TOKEN_PEPPERS.',
  },
  {
    name: 'SIGNING_KEYS',
    isSecret: true,
    description:
      'A JSON array of private EC P-256 JWKs with `kid` and `alg` `ES256`, newest first. `"status":"next"` publishes a key before it is used.',
  },
  {
    name: 'CLIENT_ADDRESS_HEADER',
    isSecret: false,
    standard: 'CF-Connecting-IP',
    description:
      'The one header that holds the address of the caller; whoever stands in front of this server must set it.',
  },
  { name: 'EMAIL_SENDER', isSecret: false, description: 'Who carries mail: `resend` or `webhook`.' },
  { name: 'EMAIL_FROM', isSecret: false, description: 'The sender of mail, for `resend`: `Name <address>`.' },
  { name: 'RESEND_API_KEY', isSecret: true, description: 'The API key, for `resend`.' },
  {
    name: 'EMAIL_WEBHOOK_URL',
    isSecret: false,
    description: 'Where mail is posted as JSON, for `webhook`; `http` only on loopback.',
  },
  {
    name: 'EMAIL_WEBHOOK_SECRET',
    isSecret: true,
    description: 'The bearer token of these posts, for `webhook`; at least 32 characters.',
  },
  {
    name: 'PRIVATE_USE_SCHEMES',
    isSecret: false,
    standard: 'cursor,vscode,vscode-insiders',
    description: 'The private-use URI schemes of native applications that redirect URIs may have, comma-separated.',
  },
  { name: 'LIMITS', isSecret: false, standard: '{}', description: 'A JSON object that overrides single limits.' },
  {
    name: 'LIFETIMES',
    isSecret: false,
    standard: '{}',
    description: 'A JSON object that overrides single lifetimes, in seconds.',
  },
  {
    name: 'SERVICE_NAME',
    isSecret: false,
    standard: 'Auth-Agent MCP',
    description: 'What this server calls itself on pages and in mail.',
  },
] as const satisfies readonly Variable[]

type Name = (typeof variables)[number]['name']

/** Names the variables that are wrong and says how; never a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Collects every problem, so that a set-up is not repaired one refusal at a time. */
function createReader(env: Readonly<Record<string, unknown>>) {
  const problems: string[] = []
  const text = (name: Name): string | undefined => {
    const value = z.string().safeParse(env[name])
    const variable: Variable | undefined = variables.find((one) => one.name === name)
    return value.success && value.data.trim() !== '' ? value.data : variable?.standard
  }
  const refuse = (name: Name, problem: string): undefined => {
    problems.push(`${name} ${problem}`)
    return undefined
  }
  const read = <Value>(name: Name, reading: (value: string) => values.Reading<Value>): Value | undefined => {
    const value = text(name)
    if (value === undefined) return refuse(name, 'is missing')
    const result = reading(value)
    return 'problem' in result ? refuse(name, result.problem) : result.value
  }
  return { problems, read, refuse }
}
type Reader = ReturnType<typeof createReader>

function plain(text: string): values.Reading<string> {
  return /^[\x20-\x7e]{1,200}$/.test(text) ? { value: text } : { problem: 'must be short printable ASCII' }
}

function secret(text: string): values.Reading<string> {
  if (text.length < 32) return { problem: 'must have at least 32 characters' }
  return new Set(text).size < 10 || /example|change-?me/i.test(text) ? { problem: 'is an example' } : { value: text }
}

function headerName(text: string): values.Reading<string> {
  return /^[A-Za-z0-9-]+$/.test(text) ? { value: text } : { problem: 'must be a header name' }
}

function readEmail({ read, refuse }: Reader): EmailSettings | undefined {
  const sender = read('EMAIL_SENDER', plain)
  if (sender === 'resend') {
    const from = read('EMAIL_FROM', plain)
    const apiKey = read('RESEND_API_KEY', plain)
    return from === undefined || apiKey === undefined ? undefined : { sender, from, apiKey }
  }
  if (sender === 'webhook') {
    const url = read('EMAIL_WEBHOOK_URL', values.readUrl)
    const webhookSecret = read('EMAIL_WEBHOOK_SECRET', secret)
    return url === undefined || webhookSecret === undefined
      ? undefined
      : { sender, url: url.href, secret: webhookSecret }
  }
  return sender === undefined ? undefined : refuse('EMAIL_SENDER', 'must be resend or webhook')
}

function readKeys({ read, refuse }: Reader) {
  const tokenPeppers = read('TOKEN_PEPPERS', values.readKeyRing)
  const cookieKeys = read('COOKIE_KEYS', values.readKeyRing)
  const signingKeys = read('SIGNING_KEYS', values.readSigningKeys)
  if (tokenPeppers === undefined || cookieKeys === undefined || signingKeys === undefined) return undefined
  const isShared = tokenPeppers.some((pepper) => cookieKeys.some((key) => values.isSameKey(pepper, key)))
  return isShared ? refuse('COOKIE_KEYS', 'has a key of TOKEN_PEPPERS') : { tokenPeppers, cookieKeys, signingKeys }
}

function readNumbers({ read, refuse }: Reader, issuerIsLoopback: boolean) {
  const limits = read('LIMITS', (text) => values.readNumbers(text, defaultLimits))
  const lifetimes = read('LIFETIMES', (text) => values.readNumbers(text, defaultLifetimes))
  if (limits === undefined || lifetimes === undefined) return undefined
  if (lifetimes.access_token_seconds > 3_600) return refuse('LIFETIMES', 'has access_token_seconds above 3600')
  // Everything on a developer's machine comes from one address.
  const per_ip_hour = issuerIsLoopback ? null : limits.per_ip_hour
  return { limits: Object.freeze({ ...limits, per_ip_hour }), lifetimes: Object.freeze(lifetimes) }
}

/**
 * Reads the Worker's environment once (SECURITY §7).
 * @throws ConfigError that names every variable that is missing, weak, equal to another or an example
 */
export function parseConfig(env: Readonly<Record<string, unknown>>): Config {
  const reader = createReader(env)
  const { read, problems } = reader
  const issuer = read('ISSUER', values.readIssuer)
  const issuerIsLoopback = issuer !== undefined && values.isLoopback(issuer)
  const url = read('SUPABASE_URL', values.readUrl)
  const key = read('SUPABASE_KEY', (text) => values.readDatabaseKey(text, issuerIsLoopback))
  const keys = readKeys(reader)
  const email = readEmail(reader)
  const numbers = readNumbers(reader, issuerIsLoopback)
  const clientAddressHeader = read('CLIENT_ADDRESS_HEADER', headerName)
  const privateUseSchemes = read('PRIVATE_USE_SCHEMES', values.readSchemes)
  const serviceName = read('SERVICE_NAME', plain)
  if (
    problems.length > 0 ||
    issuer === undefined ||
    url === undefined ||
    key === undefined ||
    keys === undefined ||
    email === undefined ||
    numbers === undefined ||
    clientAddressHeader === undefined ||
    privateUseSchemes === undefined ||
    serviceName === undefined
  ) {
    throw new ConfigError(`The configuration is not usable: ${problems.join('; ')}`)
  }
  const supabase = { url: url.origin, key }
  return Object.freeze({
    issuer: issuer.origin,
    issuerIsLoopback,
    supabase,
    ...keys,
    email,
    ...numbers,
    clientAddressHeader,
    privateUseSchemes,
    serviceName,
  })
}
