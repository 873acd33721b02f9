/** What an owner tells the middleware. Every mistake here throws at start, never at the first request. */
export type AuthAgentOptions = {
  /** Id of this server at the issuer, `srv_…`. */
  serverId: string | undefined
  /** API key of this server, `sk_…` (not the key's id, `key_…`). Only `validation: 'jwt'` needs none. */
  apiKey?: string | undefined
  /** Scopes every request needs. Default none: any live token for this server will do. */
  requiredScopes?: readonly string[] | undefined
  /** Scopes single tools need on top: `{ write_file: ['files:write'] }`. */
  toolScopes?: ScopeTable | undefined
  /** Scopes single prompts need on top, by the prompt's name. */
  promptScopes?: ScopeTable | undefined
  /** Scopes single resources need on top, by the resource's whole URI in any spelling; no patterns. */
  resourceScopes?: ScopeTable | undefined
  /** What a broader scope includes: `{ 'files:write': ['files:read'] }` (MCP 2026-07-28, Authorization). */
  scopeImplications?: ScopeTable | undefined
  /** Whether lists of tools, prompts and resources show only what the token's scopes allow. Default false. */
  filterLists?: boolean | undefined
  /**
   * How a token is checked. Default `introspect`: the issuer is asked. `jwt`: by its signature alone, with the issuer's
   * public keys; a revocation is then only seen when the token ends, after an hour at most. Needs the package `jose`.
   */
  validation?: 'introspect' | 'jwt' | undefined
  /** Whether the signature is checked before the issuer is asked, so that garbage costs no call. Needs `jose`. */
  signatureFirst?: boolean | undefined
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
  /** Largest JSON body read for the scopes of tools, prompts and resources, in bytes. Default 4 MiB. */
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

/** Thrown at start for a missing or mistaken option. The message names the option, never its value. */
export class AuthAgentConfigError extends Error {
  override name = 'AuthAgentConfigError'
}
