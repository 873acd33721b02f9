import { type FixedUrl, parseIssuer, parseServerUrl } from './fixed-url.ts'
import { AuthAgentConfigError, type AuthAgentOptions, type ScopeTable } from './options.ts'
import { resourceKeys } from './resource-key.ts'
import { isScopeToken, joinScopes } from './scopes.ts'

export type ScopeMap = ReadonlyMap<string, readonly string[]>

export type Config = Readonly<{
  serverId: string
  /** Undefined only where nothing is asked with it. */
  apiKey: string | undefined
  validation: 'introspect' | 'jwt'
  signatureFirst: boolean
  issuer: string
  serverUrl: FixedUrl | undefined
  requiredScopes: readonly string[]
  toolScopes: ScopeMap
  promptScopes: ScopeMap
  /** By `resourceKey`. */
  resourceScopes: ScopeMap
  scopeImplications: ScopeMap
  filterLists: boolean
  cacheTtlSeconds: number
  timeoutMs: number
  staleIfErrorSeconds: number
  maxBodyBytes: number
  allowedHosts: readonly string[] | undefined
  allowedOrigins: readonly string[] | undefined
  fetch: typeof globalThis.fetch
  log: (line: string) => void
}>

const PUBLIC_ISSUER = 'https://mcp.auth-agent.com'

export const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  'serverId',
  'apiKey',
  'requiredScopes',
  'toolScopes',
  'promptScopes',
  'resourceScopes',
  'scopeImplications',
  'filterLists',
  'validation',
  'signatureFirst',
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
  const validation = oneOf('validation', options.validation ?? 'introspect', ['introspect', 'jwt'])
  return Object.freeze({
    serverId: parseServerId(options.serverId),
    apiKey: validation === 'jwt' && options.apiKey === undefined ? undefined : parseApiKey(options.apiKey),
    validation,
    signatureFirst: truthValue('signatureFirst', options.signatureFirst),
    issuer: parseUrl('issuer', options.issuer ?? issuerFromEnvironment() ?? PUBLIC_ISSUER, parseIssuer).href,
    serverUrl: options.serverUrl === undefined ? undefined : parseUrl('serverUrl', options.serverUrl, parseServerUrl),
    requiredScopes: scopeList('requiredScopes', options.requiredScopes ?? []),
    ...parseTables(options),
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

function parseTables(options: AuthAgentOptions) {
  const toolScopes = scopeTable('toolScopes', options.toolScopes)
  const promptScopes = scopeTable('promptScopes', options.promptScopes)
  const resourceScopes = byResourceKey(scopeTable('resourceScopes', options.resourceScopes))
  const scopeImplications = scopeTable('scopeImplications', options.scopeImplications)
  const filterLists = truthValue('filterLists', options.filterLists)
  if (filterLists && toolScopes.size + promptScopes.size + resourceScopes.size === 0) {
    throw new AuthAgentConfigError('filterLists needs toolScopes, promptScopes or resourceScopes')
  }
  return { toolScopes, promptScopes, resourceScopes, scopeImplications, filterLists }
}

/** Two spellings of one resource share the scopes of both. */
function byResourceKey(table: ScopeMap): ScopeMap {
  const byKey = new Map<string, readonly string[]>()
  for (const [uri, scopes] of table) {
    for (const key of resourceKeys(uri)) byKey.set(key, joinScopes(byKey.get(key) ?? [], scopes))
  }
  return byKey
}

function scopeTable(option: string, table: ScopeTable = {}): ScopeMap {
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

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new AuthAgentConfigError(`${option} must be one of: ${allowed.join(', ')}`)
  return found
}

function truthValue(option: string, value: boolean | undefined): boolean {
  if (value !== undefined && typeof value !== 'boolean')
    throw new AuthAgentConfigError(`${option} must be true or false`)
  return value === true
}

function textList(option: string, texts: readonly string[] | undefined): readonly string[] | undefined {
  if (texts === undefined) return undefined
  if (!Array.isArray(texts) || texts.some((text) => typeof text !== 'string' || text === '')) {
    throw new AuthAgentConfigError(`${option} must be a list of texts`)
  }
  return Object.freeze([...texts])
}
