import { type FixedUrl, parseIssuer, parseServerUrl } from './fixed-url.ts'
import { isScopeToken } from './scopes.ts'

/** What an owner tells the middleware. Every mistake here throws at start, never at the first request. */
export type AuthAgentOptions = {
  /** Id of this server at the issuer, `srv_…`. */
  serverId: string | undefined
  /** API key of this server, `sk_…` (not the key's id, `key_…`). */
  apiKey: string | undefined
  /** Scopes every request needs. Default none: any live token for this server will do. */
  requiredScopes?: readonly string[] | undefined
  /** Scopes single tools need on top: `{ write_file: ['files:write'] }`. */
  toolScopes?: ScopeTable | undefined
  /** What a broader scope includes: `{ 'files:write': ['files:read'] }` (MCP 2026-07-28, Authorization). */
  scopeImplications?: ScopeTable | undefined
  /** Default: `AUTH_AGENT_ISSUER` from the environment, else the public deployment. https, or http on loopback. */
  issuer?: string | undefined
  /** The exact URL that was registered. Default: read once from the issuer. */
  serverUrl?: string | undefined
  /** Seconds a live token is remembered, 0 (off) to 60; never past its `exp`. Default 30. */
  cacheTtlSeconds?: number | undefined
  /** Milliseconds to wait for the issuer, 1 to 30,000. Default 3,000. */
  timeoutMs?: number | undefined
  /** Seconds a remembered token stays good while the issuer cannot be reached, 0 (off) to 600. Default 0. */
  staleIfErrorSeconds?: number | undefined
  /** Largest JSON body read for `toolScopes`, in bytes. Default 4 MiB. */
  maxBodyBytes?: number | undefined
  /** Hosts this server answers to, with or without port. Default: any. */
  allowedHosts?: readonly string[] | undefined
  /** Browser origins this server answers to. Default: any, because nothing is answered without a token. */
  allowedOrigins?: readonly string[] | undefined
  /** The fetch with which the issuer is asked. Default: the global one. */
  fetch?: typeof globalThis.fetch | undefined
  /** Where trouble is told, one line each, without secrets. Default: `console.error`. */
  log?: ((line: string) => void) | undefined
}

/** From one name to the scopes it stands for. */
export type ScopeTable = Readonly<Record<string, readonly string[]>>

export type Config = Readonly<{
  serverId: string
  apiKey: string
  issuer: string
  serverUrl: FixedUrl | undefined
  requiredScopes: readonly string[]
  toolScopes: ReadonlyMap<string, readonly string[]>
  scopeImplications: ReadonlyMap<string, readonly string[]>
  cacheTtlSeconds: number
  timeoutMs: number
  staleIfErrorSeconds: number
  maxBodyBytes: number
  allowedHosts: readonly string[] | undefined
  allowedOrigins: readonly string[] | undefined
  fetch: typeof globalThis.fetch
  log: (line: string) => void
}>

/** Thrown at start for a missing or mistaken option. The message names the option, never its value. */
export class AuthAgentConfigError extends Error {
  override name = 'AuthAgentConfigError'
}

const PUBLIC_ISSUER = 'https://mcp.auth-agent.com'

const KNOWN_OPTIONS = new Set([
  'serverId',
  'apiKey',
  'requiredScopes',
  'toolScopes',
  'scopeImplications',
  'issuer',
  'serverUrl',
  'cacheTtlSeconds',
  'timeoutMs',
  'staleIfErrorSeconds',
  'maxBodyBytes',
  'allowedHosts',
  'allowedOrigins',
  'fetch',
  'log',
])

/**
 * Checks the options and fills in the defaults.
 * @throws AuthAgentConfigError naming the option that is missing or mistaken
 */
export function parseOptions(options: AuthAgentOptions): Config {
  // A misspelled option (`requiredScope`) would silently leave a server open.
  for (const name of Object.keys(options)) {
    if (!KNOWN_OPTIONS.has(name)) throw new AuthAgentConfigError(`${name} is not an option of authAgentMiddleware`)
  }
  const { fetch, log } = options
  return Object.freeze({
    serverId: parseServerId(options.serverId),
    apiKey: parseApiKey(options.apiKey),
    issuer: parseUrl('issuer', options.issuer ?? issuerFromEnvironment() ?? PUBLIC_ISSUER, parseIssuer).href,
    serverUrl: options.serverUrl === undefined ? undefined : parseUrl('serverUrl', options.serverUrl, parseServerUrl),
    requiredScopes: scopeList('requiredScopes', options.requiredScopes ?? []),
    toolScopes: scopeTable('toolScopes', options.toolScopes),
    scopeImplications: scopeTable('scopeImplications', options.scopeImplications),
    cacheTtlSeconds: numberBetween('cacheTtlSeconds', options.cacheTtlSeconds ?? 30, 0, 60),
    timeoutMs: numberBetween('timeoutMs', options.timeoutMs ?? 3000, 1, 30_000),
    staleIfErrorSeconds: numberBetween('staleIfErrorSeconds', options.staleIfErrorSeconds ?? 0, 0, 600),
    maxBodyBytes: numberBetween('maxBodyBytes', options.maxBodyBytes ?? 4_194_304, 1, 104_857_600),
    allowedHosts: textList('allowedHosts', options.allowedHosts)?.map((host) => host.toLowerCase()),
    allowedOrigins: textList('allowedOrigins', options.allowedOrigins),
    // Called as a bare function: workerd refuses a fetch that is called as somebody's method.
    fetch: fetch ?? ((input, init) => globalThis.fetch(input, init)),
    log: log ?? ((line) => console.error(line)),
  })
}

/** The scopes as a list without repetitions, checked against RFC 6749 §3.3. */
export function scopeList(option: string, scopes: readonly string[]): readonly string[] {
  if (!Array.isArray(scopes)) throw new AuthAgentConfigError(`${option} must be a list of scopes`)
  for (const scope of scopes) {
    // The grammar keeps quotes, backslashes and line breaks out of the challenge header (RFC 6750 §3).
    if (typeof scope !== 'string' || !isScopeToken(scope)) {
      throw new AuthAgentConfigError(`${option} holds a scope with a character that RFC 6749 §3.3 does not allow`)
    }
    if (scope === 'offline_access' || scope === '*') {
      throw new AuthAgentConfigError(`${option} must not hold ${scope}: it is not a scope of a server`)
    }
  }
  return Object.freeze([...new Set(scopes)])
}

function scopeTable(option: string, table: ScopeTable = {}): ReadonlyMap<string, readonly string[]> {
  if (typeof table !== 'object' || table === null || Array.isArray(table)) {
    throw new AuthAgentConfigError(`${option} must be an object from a name to a list of scopes`)
  }
  const entries = Object.entries(table)
  if (option === 'scopeImplications') scopeList(option, Object.keys(table))
  return new Map(entries.map(([name, scopes]) => [name, scopeList(`${option}.${name}`, scopes)]))
}

function parseServerId(serverId: string | undefined): string {
  if (typeof serverId !== 'string' || serverId === '') throw new AuthAgentConfigError('serverId is missing')
  if (!/^srv_[0-9A-Za-z]{8,64}$/.test(serverId)) {
    throw new AuthAgentConfigError('serverId is not the id of a server: it looks like srv_…')
  }
  return serverId
}

function parseApiKey(apiKey: string | undefined): string {
  if (typeof apiKey !== 'string' || apiKey === '') throw new AuthAgentConfigError('apiKey is missing')
  if (apiKey.startsWith('key_')) {
    throw new AuthAgentConfigError('apiKey is the id of a key (key_…); the key itself (sk_…) was shown once when made')
  }
  if (apiKey.startsWith('smt_')) {
    throw new AuthAgentConfigError('apiKey is a management token (smt_…); make an API key (sk_…) with it')
  }
  if (!/^sk_[0-9A-Za-z]{32,128}$/.test(apiKey)) {
    throw new AuthAgentConfigError('apiKey is not an API key: it looks like sk_… and is never cut off')
  }
  return apiKey
}

function parseUrl(option: string, value: string, parse: (value: string) => FixedUrl | string): FixedUrl {
  const url = typeof value === 'string' ? parse(value) : 'must be a text'
  if (typeof url === 'string') throw new AuthAgentConfigError(`${option} ${url}`)
  return url
}

function issuerFromEnvironment(): string | undefined {
  // Edge runtimes may have no process at all.
  return globalThis.process?.env?.AUTH_AGENT_ISSUER || undefined
}

function numberBetween(option: string, value: number, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw new AuthAgentConfigError(`${option} must be a number from ${least} to ${most}`)
  }
  return value
}

function textList(option: string, texts: readonly string[] | undefined): readonly string[] | undefined {
  if (texts === undefined) return undefined
  if (!Array.isArray(texts) || texts.some((text) => typeof text !== 'string' || text === '')) {
    throw new AuthAgentConfigError(`${option} must be a list of texts`)
  }
  return Object.freeze([...texts])
}
