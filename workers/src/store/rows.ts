import * as z from 'zod/mini'

/** Absent and null are the same in an answer of the database; here it is undefined. */
export function absent<Shape extends z.ZodMiniType>(shape: Shape) {
  return z.pipe(
    z.nullish(shape),
    z.transform((value) => value ?? undefined),
  )
}

/** Who asks, for audit events; `ip` is already cut to a /64 (SECURITY §28). */
export type RequestFacts = {
  readonly request_id: string
  readonly ip?: string | undefined
  readonly user_agent?: string | undefined
  /** ISO 3166-1, as the edge tells it. */
  readonly country?: string | undefined
  /** Of the pages and mails for this person; only where a person asks. */
  readonly language?: string | undefined
}

/** Where mail for an account goes, and the language of its last sign-in. */
export const addressee = z.object({ email: z.string(), language: absent(z.string()) })

/** Whom to tell that a connection was ended for suspected theft (SECURITY §19). */
export const theftNotice = z.extend(addressee, { server_host: absent(z.string()) })
export type TheftNotice = z.infer<typeof theftNotice>

/** A device on which a person has signed in before; its signature has been checked (C7, C18). */
export type KnownDevice = { readonly device_id: string; readonly signed_at_seconds: number }

/** An outcome that carries nothing. */
export function outcome<Tag extends string>(tag: Tag) {
  return z.object({ outcome: z.literal(tag) })
}

/** An outcome that carries a reason code. */
export function refusal<Tag extends string>(tag: Tag) {
  return z.object({ outcome: z.literal(tag), reason: z.string() })
}

export const limited = z.object({
  outcome: z.literal('limited'),
  /** Which limit; a count that is full (`servers`, `keys`) has no time to wait for. */
  reason: absent(z.string()),
  retry_after_seconds: absent(z.number()),
})

export const transactionGone = refusal('transaction_gone')

/** How a caller may be refused: 401, 404 (also for other people's servers), 403; the last two meet our own pages. */
export const callerRefusals = [
  outcome('caller_unknown'),
  outcome('not_found'),
  z.object({ outcome: z.literal('scope_missing'), scope: z.string() }),
  outcome('sign_in'),
  outcome('not_fresh'),
] as const

/** One page of a list: where it goes on is the `next` of the page before; null is the first. */
export type PageOfList = { readonly p_before: string | null; readonly p_limit: number }

/** Whom a mail tells, and in which language (J22); absent where no account is concerned. */
export const notice = absent(addressee)
export type Notice = z.infer<typeof notice>

/** How many changes an owner may make in an hour (SECURITY "Limits"). */
export type WriteLimits = { readonly writes_per_hour: number }

/** The key of a creation that may be repeated, and the body it came with. */
export type Idempotency = { readonly key_digest: string; readonly body_digest: string }

export const clientAuthMethod = z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])

/** How a client authenticated: kept with the connection, so that a weaker proof is noticed later (SECURITY §24, §26). */
export type ClientProof = {
  readonly method: z.infer<typeof clientAuthMethod>
  /** RFC 7638 thumbprints of every key it has registered now. */
  readonly key_thumbprints?: readonly string[]
  /** Of private_key_jwt; its `jti` is used up by the call. */
  readonly assertion?: { readonly jti_digest: string; readonly expires_at_seconds: number }
}

/** What a transaction and a connection keep of a client (SECURITY §24). */
export const clientSnapshot = z.object({
  client_id: z.string(),
  client_name: z.string(),
  kind: z.enum(['pre_registered', 'metadata_document', 'dynamic']),
  token_endpoint_auth_method: clientAuthMethod,
  redirect_uris: z.readonly(z.array(z.string())),
  grant_types: absent(z.readonly(z.array(z.string()))),
  application_type: absent(z.string()),
  client_uri: absent(z.string()),
  /** Thumbprints of the keys that stood in the metadata itself when the person was asked. */
  key_thumbprints: absent(z.readonly(z.array(z.string()))),
})
type SnapshotMembers = z.infer<typeof clientSnapshot>
type OptionalMember = 'grant_types' | 'application_type' | 'client_uri' | 'key_thumbprints'
export type ClientSnapshot = Omit<SnapshotMembers, OptionalMember> & Partial<Pick<SnapshotMembers, OptionalMember>>

export const scopeRow = z.object({
  name: z.string(),
  description: z.string(),
  required: z.boolean(),
  default: z.boolean(),
})
export type ScopeRow = z.infer<typeof scopeRow>

/** A server as its owner sees it. */
export const serverRow = z.object({
  server_id: z.string(),
  server_url: z.string(),
  server_name: z.string(),
  description: absent(z.string()),
  logo_url: absent(z.string()),
  scopes: z.array(scopeRow),
  status: z.string(),
  created_at_seconds: z.number(),
  verified_at_seconds: absent(z.number()),
  token_lifetime_seconds: absent(z.number()),
  share_email: z.boolean(),
  requires_passkey: z.boolean(),
  sign_in_max_age_seconds: absent(z.number()),
  client_policy: z.string(),
  owner: z.boolean(),
  /** How its URL is proven, and what was last seen, word for word. */
  proof: absent(
    z.object({
      method: absent(z.string()),
      checked_at_seconds: absent(z.number()),
      failing_since_seconds: absent(z.number()),
      seen: absent(z.string()),
    }),
  ),
  /** An account's id or an address, of whoever may accept it. */
  offered_to: absent(z.string()),
})

/** A sign-in for one of our own pages that is under way. */
export const pageTransaction = z.object({
  transaction_id: z.string(),
  page: z.string(),
  /** Of whoever is signed in, but not freshly enough. */
  email: absent(z.string()),
  passkey_round: z.number(),
  /** Who vouches from elsewhere does not say when it asked. */
  wants_fresh_sign_in: z.boolean(),
  /** The page is for nobody who has signed in by anything else. */
  needs_passkey: z.boolean(),
})
export type PageTransaction = z.infer<typeof pageTransaction>

/** What the pages need to know of an authorization that is under way. */
export const transaction = z.object({
  transaction_id: z.string(),
  expires_at_seconds: z.number(),
  client: clientSnapshot,
  redirect_uri: z.string(),
  resource: z.string(),
  login_hint: absent(z.string()),
  server: z.nullable(
    z.object({
      server_id: z.nullable(z.string()),
      server_name: z.string(),
      server_url: z.string(),
      description: absent(z.string()),
      share_email: absent(z.boolean()),
      scopes: z.array(scopeRow),
      client_policy: absent(z.string()),
      /** A sign-in by anything else is not enough for it (THREATS B33). */
      requires_passkey: absent(z.boolean()),
    }),
  ),
  identity_scopes: z.array(z.string()),
  account: z.nullable(z.object({ account_id: z.string(), email: z.string() })),
  auth_time_seconds: absent(z.number()),
  step_up: z.boolean(),
  connected_scopes: z.array(z.string()),
  access_seconds: z.number(),
  /** Which of its passkey challenges comes next. */
  passkey_round: z.number(),
  wants_fresh_sign_in: z.boolean(),
  state: absent(z.string()),
})
export type Transaction = z.infer<typeof transaction>

/** What tokens are made of. */
export const connection = z.object({
  connection_id: z.string(),
  account_id: z.string(),
  email: absent(z.string()),
  email_verified: absent(z.boolean()),
  name: absent(z.string()),
  client_id: z.string(),
  resource: z.string(),
  server_id: absent(z.string()),
  /** Effective: granted, and still registered (SECURITY §20). */
  scopes: z.array(z.string()),
  nonce: absent(z.string()),
  auth_time_seconds: z.number(),
  auth_method: z.string(),
  issued_at_seconds: z.number(),
  access_token_seconds: absent(z.number()),
  generation: z.number(),
  can_refresh: z.boolean(),
  refresh_expires_at_seconds: absent(z.number()),
  epoch: z.number(),
})
export type Connection = z.infer<typeof connection>
