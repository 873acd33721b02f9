import * as z from 'zod/mini'
import {
  defaultLifetimes,
  defaultLimits,
  defaultRetention,
  type Lifetimes,
  type Limits,
  type Retention,
} from './config-defaults.ts'
import { readProviders } from './config-providers.ts'
import * as values from './config-values.ts'
import { type Variable, variables } from './config-variables.ts'
import type { KeyRing } from './crypto/digest.ts'
import type { SealKeys } from './crypto/seal.ts'
import type { PrivateJwk } from './crypto/signing-keys.ts'
import type { ProviderRow } from './identity/provider.ts'

export type EmailSettings =
  | { readonly sender: 'resend'; readonly from: string; readonly apiKey: string }
  | { readonly sender: 'cloudflare'; readonly from: string }
  | { readonly sender: 'webhook'; readonly url: string; readonly secret: string }

/** How documents that strangers host are fetched (SECURITY §24, §25). */
export type DocumentSettings = {
  readonly allowLoopback: boolean
  readonly resolverUrl: string | undefined
  readonly redirectExceptions: ReadonlyMap<string, readonly string[]>
}

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
  readonly clientCountryHeader: string
  readonly email: EmailSettings
  /** Other places that can vouch for people. */
  readonly identityProviders: readonly ProviderRow[]
  readonly privateUseSchemes: readonly string[]
  readonly registrationKeys: SealKeys
  /** Whether POST /register answers; ids that were given out stay valid. */
  readonly registrationIsOn: boolean
  readonly documents: DocumentSettings
  readonly limits: Limits
  readonly lifetimes: Lifetimes
  readonly retention: Retention
  /** Whoever holds it may read GET /metrics; undefined: there is none. */
  readonly metricsToken: string | undefined
}

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
  return { problems, text, read, refuse }
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
  if (sender === 'cloudflare') {
    const from = read('EMAIL_FROM', plain)
    return from === undefined ? undefined : { sender, from }
  }
  if (sender === 'webhook') {
    const url = read('EMAIL_WEBHOOK_URL', values.readUrl)
    const webhookSecret = read('EMAIL_WEBHOOK_SECRET', secret)
    return url === undefined || webhookSecret === undefined
      ? undefined
      : { sender, url: url.href, secret: webhookSecret }
  }
  return sender === undefined ? undefined : refuse('EMAIL_SENDER', 'must be resend, cloudflare or webhook')
}

/** How people sign in: who carries their codes, and who else can vouch for them. */
function readSignIn(reader: Reader) {
  const email = readEmail(reader)
  const identityProviders = reader.read('IDENTITY_PROVIDERS', readProviders)
  return email === undefined || identityProviders === undefined ? undefined : { email, identityProviders }
}

function readKeys({ read, refuse }: Reader) {
  const tokenPeppers = read('TOKEN_PEPPERS', values.readKeyRing)
  const cookieKeys = read('COOKIE_KEYS', values.readKeyRing)
  const signingKeys = read('SIGNING_KEYS', values.readSigningKeys)
  const registrationKeys = read('REGISTRATION_KEYS', values.readSealKeys)
  if (tokenPeppers === undefined || cookieKeys === undefined) return undefined
  if (signingKeys === undefined || registrationKeys === undefined) return undefined
  const isShared = tokenPeppers.some((pepper) => cookieKeys.some((key) => values.isSameKey(pepper, key)))
  if (isShared) return refuse('COOKIE_KEYS', 'has a key of TOKEN_PEPPERS')
  const others = [...tokenPeppers, ...cookieKeys]
  if (registrationKeys.some((key) => others.some((other) => values.isSameKey(key, other)))) {
    return refuse('REGISTRATION_KEYS', 'has a key of TOKEN_PEPPERS or COOKIE_KEYS')
  }
  return { tokenPeppers, cookieKeys, signingKeys, registrationKeys }
}

function readDocuments({ text, read, refuse }: Reader, issuerIsLoopback: boolean): DocumentSettings | undefined {
  const allowLoopback = read('DOCUMENTS_ALLOW_LOOPBACK', values.readSwitch)
  const redirectExceptions = read('REDIRECT_EXCEPTIONS', values.readRedirectExceptions)
  const hasResolver = text('DNS_RESOLVER_URL') !== undefined
  const resolver = hasResolver ? read('DNS_RESOLVER_URL', values.readUrl) : undefined
  if (allowLoopback === undefined || redirectExceptions === undefined || (hasResolver && resolver === undefined)) {
    return undefined
  }
  // SECURITY §7: a development switch never works where strangers can reach it.
  if (allowLoopback && !issuerIsLoopback) return refuse('DOCUMENTS_ALLOW_LOOPBACK', 'needs an ISSUER on loopback')
  return Object.freeze({ allowLoopback, redirectExceptions, resolverUrl: resolver?.href })
}

function readService({ text, read }: Reader) {
  const serviceName = read('SERVICE_NAME', plain)
  const registrationIsOn = read('REGISTRATION', values.readSwitch)
  const metricsToken = text('METRICS_TOKEN') === undefined ? undefined : read('METRICS_TOKEN', secret)
  if (serviceName === undefined || registrationIsOn === undefined) return undefined
  return { serviceName, registrationIsOn, metricsToken }
}

function readSupabase({ read }: Reader, issuerIsLoopback: boolean) {
  const url = read('SUPABASE_URL', values.readUrl)
  const key = read('SUPABASE_KEY', (text) => values.readDatabaseKey(text, issuerIsLoopback))
  return url === undefined || key === undefined ? undefined : { url: url.origin, key }
}

function readNumbers({ read, refuse }: Reader, issuerIsLoopback: boolean) {
  const limits = read('LIMITS', (text) => values.readNumbers(text, defaultLimits))
  const lifetimes = read('LIFETIMES', (text) => values.readNumbers(text, defaultLifetimes))
  const retention = read('RETENTION', (text) => values.readNumbers(text, defaultRetention))
  if (limits === undefined || lifetimes === undefined || retention === undefined) return undefined
  if (lifetimes.access_token_seconds > 3_600) return refuse('LIFETIMES', 'has access_token_seconds above 3600')
  if (lifetimes.passkey_wait_seconds > 2_592_000) return refuse('LIFETIMES', 'has passkey_wait_seconds above 2592000')
  // Whoever is to object has to read a mail first; a developer tries it out.
  if (lifetimes.passkey_wait_seconds < 86_400 && !issuerIsLoopback) {
    return refuse('LIFETIMES', 'has passkey_wait_seconds below 86400')
  }
  // Everything on a developer's machine comes from one address.
  const per_ip_hour = issuerIsLoopback ? null : limits.per_ip_hour
  return {
    limits: Object.freeze({ ...limits, per_ip_hour }),
    lifetimes: Object.freeze(lifetimes),
    retention: Object.freeze(retention),
  }
}

function readHeaders({ read }: Reader) {
  const clientAddressHeader = read('CLIENT_ADDRESS_HEADER', headerName)
  const clientCountryHeader = read('CLIENT_COUNTRY_HEADER', headerName)
  if (clientAddressHeader === undefined || clientCountryHeader === undefined) return undefined
  return { clientAddressHeader, clientCountryHeader }
}

/**
 * Reads the Worker's environment once (SECURITY §7).
 * @throws ConfigError that names every variable that is missing, weak, equal to another or an example
 */
export function parseConfig(env: Readonly<Record<string, unknown>>): Config {
  const reader = createReader(env)
  const { read } = reader
  const issuer = read('ISSUER', values.readIssuer)
  const issuerIsLoopback = issuer !== undefined && values.isLoopback(issuer)
  const supabase = readSupabase(reader, issuerIsLoopback)
  const keys = readKeys(reader)
  const signIn = readSignIn(reader)
  const numbers = readNumbers(reader, issuerIsLoopback)
  const documents = readDocuments(reader, issuerIsLoopback)
  const headers = readHeaders(reader)
  const privateUseSchemes = read('PRIVATE_USE_SCHEMES', values.readSchemes)
  const service = readService(reader)
  if (
    reader.problems.length > 0 ||
    issuer === undefined ||
    supabase === undefined ||
    keys === undefined ||
    signIn === undefined ||
    numbers === undefined ||
    headers === undefined ||
    privateUseSchemes === undefined ||
    service === undefined ||
    documents === undefined
  ) {
    throw new ConfigError(`The configuration is not usable: ${reader.problems.join('; ')}`)
  }
  return Object.freeze({
    issuer: issuer.origin,
    issuerIsLoopback,
    supabase,
    ...keys,
    ...signIn,
    ...numbers,
    ...headers,
    privateUseSchemes,
    ...service,
    documents,
  })
}
