import type { RegisteredScope } from './server-registration.ts'

/** What is stored of a server. */
export type StoredServer = {
  readonly server_id: string
  readonly server_url: string
  readonly server_name: string
  readonly description?: string | undefined
  readonly logo_url?: string | undefined
  readonly scopes: readonly RegisteredScope[]
  readonly status: string
  readonly created_at_seconds: number
  readonly verified_at_seconds?: number | undefined
  readonly token_lifetime_seconds?: number | undefined
  readonly share_email: boolean
  readonly requires_passkey: boolean
  readonly sign_in_max_age_seconds?: number | undefined
  readonly client_policy: string
  readonly offered_to?: string | undefined
  readonly proof?:
    | {
        readonly method?: string | undefined
        readonly checked_at_seconds?: number | undefined
        readonly failing_since_seconds?: number | undefined
        readonly seen?: string | undefined
      }
    | undefined
}

export type StoredOffer = {
  readonly server_id: string
  readonly server_url: string
  readonly server_name: string
  readonly status: string
  readonly scopes: readonly RegisteredScope[]
  readonly created_at_seconds: number
  readonly from_email?: string | undefined
}

export type StoredPersonalToken = {
  readonly token_id: string
  readonly name: string
  readonly last_four: string
  readonly scopes: readonly string[]
  readonly created_at_seconds: number
  readonly expires_at_seconds: number
  readonly last_used_at_seconds?: number | undefined
  readonly revoked_at_seconds?: number | undefined
}

export type StoredKey = {
  readonly key_id: string
  readonly name: string
  readonly last_four: string
  readonly created_at_seconds: number
  readonly expires_at_seconds?: number | undefined
  readonly last_used_at_seconds?: number | undefined
  readonly revoked_at_seconds?: number | undefined
}

/** A point in time for people and their tools: ISO 8601, whole seconds, UTC. */
export function toTimestamp(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

function timestampOf<Name extends string>(name: Name, seconds: number | undefined): Partial<Record<Name, string>> {
  const member: Partial<Record<Name, string>> = {}
  if (seconds !== undefined) member[name] = toTimestamp(seconds)
  return member
}

/** A server as its owner sees it; members without a value are left out. */
export function describeServer(server: StoredServer) {
  const { created_at_seconds, verified_at_seconds, description, logo_url } = server
  const { token_lifetime_seconds, sign_in_max_age_seconds } = server
  return {
    server_id: server.server_id,
    server_url: server.server_url,
    server_name: server.server_name,
    ...(description !== undefined && { description }),
    ...(logo_url !== undefined && { logo_url }),
    scopes: server.scopes,
    status: server.status,
    ...(token_lifetime_seconds !== undefined && { token_lifetime_seconds }),
    share_email: server.share_email,
    requires_passkey: server.requires_passkey,
    ...(sign_in_max_age_seconds !== undefined && { sign_in_max_age_seconds }),
    client_policy: server.client_policy,
    ...(server.offered_to !== undefined && { offered_to: server.offered_to }),
    created_at: toTimestamp(created_at_seconds),
    ...timestampOf('verified_at', verified_at_seconds),
    ...(server.proof !== undefined && { proof: describeProof(server.proof) }),
  }
}

function describeProof({
  method,
  checked_at_seconds,
  failing_since_seconds,
  seen,
}: NonNullable<StoredServer['proof']>) {
  return {
    ...(method !== undefined && { method }),
    ...timestampOf('checked_at', checked_at_seconds),
    ...timestampOf('failing_since', failing_since_seconds),
    ...(seen !== undefined && { seen }),
  }
}

/** A key as its owner sees it: never its secret. */
export function describeKey(key: StoredKey) {
  return {
    key_id: key.key_id,
    name: key.name,
    last_four: key.last_four,
    created_at: toTimestamp(key.created_at_seconds),
    ...timestampOf('expires_at', key.expires_at_seconds),
    ...timestampOf('last_used_at', key.last_used_at_seconds),
    ...timestampOf('revoked_at', key.revoked_at_seconds),
  }
}

/** A personal token as its owner sees it: never its secret. */
export function describePersonalToken(token: StoredPersonalToken) {
  return {
    token_id: token.token_id,
    name: token.name,
    last_four: token.last_four,
    scopes: token.scopes,
    created_at: toTimestamp(token.created_at_seconds),
    expires_at: toTimestamp(token.expires_at_seconds),
    ...timestampOf('last_used_at', token.last_used_at_seconds),
    ...timestampOf('revoked_at', token.revoked_at_seconds),
  }
}

/** A server that waits for somebody to accept it. */
export function describeOffer({ created_at_seconds, from_email, ...offer }: StoredOffer) {
  return { ...offer, created_at: toTimestamp(created_at_seconds), ...(from_email !== undefined && { from_email }) }
}

/** RFC 9728 §3.1: the well-known path goes between host and path. */
export function metadataUrlOf(server_url: string): string {
  const { origin, pathname } = new URL(server_url)
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`
}

/** What a server's RFC 9728 document has to hold, so that it proves this registration. */
export function proofMembers(server: Pick<StoredServer, 'server_id' | 'server_url'>, issuer: string) {
  return {
    resource: server.server_url,
    authorization_servers: [issuer],
    auth_agent_server_id: server.server_id,
  }
}

/** How a server's URL is proven (HTTP-API "Server management"): what must be served, and where. */
type ProofFacts = { readonly issuer: string; readonly documents: { readonly resolverUrl: string | undefined } }

/** How a server's URL is proven (HTTP-API "Server management"): what must be served, and where. A text record needs a resolver. */
export function describeVerification(server: StoredServer, { issuer, documents }: ProofFacts) {
  if (server.status === 'verified' && server.proof?.failing_since_seconds === undefined) return { required: false }
  const { hostname } = new URL(server.server_url)
  return {
    required: true,
    metadata_url: metadataUrlOf(server.server_url),
    metadata: proofMembers(server, issuer),
    ...(documents.resolverUrl !== undefined && {
      dns_txt: { name: `_auth-agent.${hostname}`, value: server.server_id },
    }),
  }
}
