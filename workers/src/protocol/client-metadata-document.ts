import type { Client } from './client-metadata.ts'
import {
  type ClientMetadata,
  invalidMetadata,
  type Members,
  type MetadataRules,
  readClientMetadata,
  readMetadataObject,
  readText,
  readTexts,
} from './client-registration.ts'
import { isOwnOrigin, type RedirectRules } from './redirect-uri.ts'

export type DocumentRules = MetadataRules & RedirectRules

const secretMembers = ['client_secret', 'client_secret_expires_at', 'd', 'k', 'p', 'q']

/**
 * The methods a client offers: one, or several of which the server picks (OpenID Connect RP Metadata Choices). A shared
 * secret is impossible with a public document, so only two are left.
 */
function readMethods(members: Members, metadata: ClientMetadata): Client['token_endpoint_auth_method'] {
  const single = readText(members, 'token_endpoint_auth_method')
  const several = readTexts(members, 'token_endpoint_auth_methods_supported') ?? []
  const offered = single === undefined ? several : [single, ...several]
  const hasKeys = metadata.jwks !== undefined || metadata.jwks_uri !== undefined
  // The strongest one offered, so that nobody can pass for the client by leaving its key out.
  if (offered.includes('private_key_jwt') && hasKeys) return 'private_key_jwt'
  if (offered.length === 0 || offered.includes('none')) return 'none'
  throw invalidMetadata(
    'token_endpoint_auth_method must be none, or private_key_jwt with jwks or jwks_uri: a public document cannot hold a secret',
  )
}

/**
 * Reads the metadata document at a client_id (MCP 2026-07-28, Client Registration; CIMD draft §4).
 * @throws OAuthError whose description says what is wrong with the document
 */
export function readClientDocument(json: unknown, url: string, rules: DocumentRules): Client {
  const members = readMetadataObject(json)
  if (members.get('client_id') !== url) {
    throw invalidMetadata('client_id in the document must equal the URL it was fetched from, character by character')
  }
  if (secretMembers.some((name) => members.has(name))) {
    throw invalidMetadata('the document holds a secret: everybody can read it, so replace that secret')
  }
  const metadata = readClientMetadata(members, rules)
  // An https redirect elsewhere would let a document send codes to a stranger (CIMD draft §6.1): that URI is left out.
  const redirect_uris = metadata.redirect_uris.filter(
    (uri) => !uri.startsWith('https://') || isOwnOrigin(url, uri, rules.redirectExceptions),
  )
  if (redirect_uris.length === 0) {
    throw invalidMetadata('redirect_uris must hold a loopback URI, or an https URI of the same origin as the document')
  }
  return {
    client_id: url,
    client_name: metadata.client_name,
    kind: 'metadata_document',
    redirect_uris,
    grant_types: metadata.grant_types,
    application_type: metadata.application_type,
    token_endpoint_auth_method: readMethods(members, metadata),
    client_uri: metadata.client_uri,
    jwks_uri: metadata.jwks_uri,
    jwks: metadata.jwks,
  }
}
