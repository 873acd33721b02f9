import * as z from 'zod/mini'
import type { Seal } from '../crypto/seal.ts'
import type { Client } from '../protocol/client-metadata.ts'
import {
  type ClientMetadata,
  invalidMetadata,
  keySet,
  type Members,
  type MetadataRules,
  readClientMetadata,
  readMetadataObject,
  readText,
} from '../protocol/client-registration.ts'
import { refused } from '../protocol/errors.ts'
import { tokenEndpointAuthMethods } from '../protocol/server-capabilities.ts'

/** The answer of the registration endpoint (RFC 7591 §3.2.1): members without a value are left out, never null. */
export type RegistrationAnswer = {
  readonly client_id: string
  readonly client_name: string
  readonly redirect_uris: readonly string[]
  readonly grant_types: readonly string[]
  readonly response_types: readonly ['code']
  readonly token_endpoint_auth_method: Client['token_endpoint_auth_method']
  readonly application_type: 'native' | 'web'
  readonly client_uri?: string
  readonly jwks_uri?: string
  readonly jwks?: unknown
  readonly client_secret?: string
  /** 0: it does not expire. */
  readonly client_secret_expires_at?: 0
}

/** The longest id that fits through every URL an authorization request travels in. */
const clientIdSizeCharacters = 2_048
const unnamed = 'Unnamed application'

/** Short names, because they are part of each authorization URL. */
const sealed = z.object({
  n: z.string(),
  r: z.array(z.string()),
  m: z.enum(tokenEndpointAuthMethods),
  /** 1: the client may refresh. */
  f: z.optional(z.literal(1)),
  a: z.optional(z.literal('web')),
  u: z.optional(z.string()),
  j: z.optional(z.string()),
  k: z.optional(keySet),
  /** 128 random bits of a confidential client. */
  x: z.optional(z.string()),
})
type Sealed = z.infer<typeof sealed>

type Method = Sealed['m']

function readMethod(members: Members, metadata: ClientMetadata): Method {
  // RFC 7591 §2: absent means client_secret_basic; the answer says so (INTEROP 4.5).
  const asked = readText(members, 'token_endpoint_auth_method') ?? 'client_secret_basic'
  const method = z.enum(tokenEndpointAuthMethods).safeParse(asked)
  if (!method.success) {
    throw invalidMetadata(`token_endpoint_auth_method must be one of ${tokenEndpointAuthMethods.join(', ')}`)
  }
  const hasKeys = metadata.jwks !== undefined || metadata.jwks_uri !== undefined
  if (method.data === 'private_key_jwt' && !hasKeys) throw invalidMetadata('private_key_jwt needs jwks or jwks_uri')
  return method.data
}

function minimised(metadata: ClientMetadata, method: Method, random: string): Sealed {
  const isConfidential = method !== 'none'
  return {
    n: metadata.client_name,
    r: [...metadata.redirect_uris],
    m: method,
    ...(metadata.grant_types.includes('refresh_token') ? { f: 1 } : {}),
    ...(metadata.application_type === 'web' ? { a: 'web' } : {}),
    ...(metadata.client_uri === undefined ? {} : { u: metadata.client_uri }),
    // Keys mean something for one method only; for the others they would only make the id longer.
    ...(method !== 'private_key_jwt' || metadata.jwks_uri === undefined ? {} : { j: metadata.jwks_uri }),
    ...(method !== 'private_key_jwt' || metadata.jwks === undefined ? {} : { k: { keys: [...metadata.jwks.keys] } }),
    ...(isConfidential ? { x: random } : {}),
  }
}

function toClient(client_id: string, { n, r, m, f, a, u, j, k }: Sealed): Client {
  return {
    client_id,
    client_name: n,
    kind: 'dynamic',
    redirect_uris: r,
    token_endpoint_auth_method: m,
    grant_types: f === 1 ? ['authorization_code', 'refresh_token'] : ['authorization_code'],
    application_type: a ?? 'native',
    client_uri: u,
    jwks_uri: j,
    jwks: k,
  }
}

/**
 * Registers a client (RFC 7591 §3) without storing anything: the accepted metadata is sealed into the `client_id`. A public
 * client's id is deterministic; a confidential one's holds `random`, so that copied metadata is another client.
 * @throws OAuthError invalid_client_metadata, invalid_redirect_uri, invalid_software_statement
 */
export async function sealRegistration(
  seal: Seal,
  json: unknown,
  { random, ...rules }: MetadataRules & { readonly random: string },
): Promise<RegistrationAnswer> {
  const members = readMetadataObject(json)
  if (members.has('software_statement')) throw refused('software_statement_unsupported')
  const metadata = readClientMetadata(members, { ...rules, fallbackName: unnamed })
  const method = readMethod(members, metadata)
  const payload = minimised(metadata, method, random)
  const client_id = await seal.seal(JSON.stringify(payload))
  if (client_id.length > clientIdSizeCharacters) throw refused('client_metadata_too_large')
  const hasSecret = method === 'client_secret_basic' || method === 'client_secret_post'
  const client_secret = hasSecret ? await seal.secretOf(client_id) : undefined
  return {
    client_id,
    client_name: metadata.client_name,
    redirect_uris: metadata.redirect_uris,
    grant_types: metadata.grant_types,
    response_types: ['code'],
    token_endpoint_auth_method: method,
    application_type: metadata.application_type,
    ...(metadata.client_uri === undefined ? {} : { client_uri: metadata.client_uri }),
    ...(payload.j === undefined ? {} : { jwks_uri: payload.j }),
    ...(payload.k === undefined ? {} : { jwks: payload.k }),
    ...(client_secret === undefined ? {} : { client_secret, client_secret_expires_at: 0 }),
  }
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}

/** The client that a sealed id stands for; undefined when this server never answered that id. */
export async function openRegistration(seal: Seal, client_id: string): Promise<Client | undefined> {
  if (client_id.length > clientIdSizeCharacters) return undefined
  const payload = await seal.open(client_id)
  if (payload === undefined) return undefined
  const registration = sealed.safeParse(parse(payload))
  return registration.success ? toClient(client_id, registration.data) : undefined
}
