import type { GrantType, TokenEndpointAuthMethod } from './server-capabilities.ts'

/** What is known of a client, in the names of RFC 7591 §2; the snapshot of a transaction has the same members. */
export type Client = {
  readonly client_id: string
  readonly client_name: string
  readonly kind: 'pre_registered' | 'metadata_document' | 'dynamic'
  readonly token_endpoint_auth_method: TokenEndpointAuthMethod
  readonly redirect_uris: readonly string[]
  /** RFC 7591 §2: absent means authorization_code alone. */
  readonly grant_types?: readonly string[] | undefined
  readonly application_type?: string | undefined
  readonly client_uri?: string | undefined
  /** Where the public keys of private_key_jwt are (RFC 7517), or the keys themselves. */
  readonly jwks_uri?: string | undefined
  readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] } | undefined
}

/** Whether the client registered this grant type. */
export function mayUse(client: Client, grantType: GrantType): boolean {
  return (client.grant_types ?? ['authorization_code']).includes(grantType)
}
