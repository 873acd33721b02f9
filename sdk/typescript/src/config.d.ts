import { type FixedUrl } from './fixed-url.ts'
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
export declare class AuthAgentConfigError extends Error {
  name: string
}
/**
 * Checks the options and fills in the defaults.
 * @throws AuthAgentConfigError naming the option that is missing or mistaken
 */
export declare function parseOptions(options: AuthAgentOptions): Config
/** The scopes as a list without repetitions, checked against RFC 6749 §3.3. */
export declare function scopeList(option: string, scopes: readonly string[]): readonly string[]
