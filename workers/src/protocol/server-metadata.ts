import { identityScopes } from './scope.ts'
import * as capability from './server-capabilities.ts'

type Deployment = {
  readonly registrationIsOn: boolean
  /** The languages of the pages. */
  readonly uiLocales: readonly string[]
}

/**
 * Authorization server metadata (RFC 8414 §2) and OpenID Connect Discovery 1.0 §3 in one: what the capability table
 * says, and nothing else. Both documents hold it all: a client that read only the first one and got an ID token would
 * otherwise have to take it for RS256 (OpenID Connect Core §3.1.3.7).
 */
export function authorizationServerMetadata(issuer: string, { registrationIsOn, uiLocales }: Deployment) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    ...(registrationIsOn && { registration_endpoint: `${issuer}/register` }),
    // CIMD draft §5: clients bring an https URL as their client_id.
    client_id_metadata_document_supported: true,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    // Short on purpose: some clients ask for all of it. Each server's own scopes are in its resource metadata.
    scopes_supported: identityScopes,
    response_types_supported: capability.responseTypes,
    response_modes_supported: capability.responseModes,
    grant_types_supported: capability.grantTypes,
    token_endpoint_auth_methods_supported: capability.tokenEndpointAuthMethods,
    token_endpoint_auth_signing_alg_values_supported: capability.clientAssertionAlgorithms,
    code_challenge_methods_supported: capability.codeChallengeMethods,
    revocation_endpoint: `${issuer}/revoke`,
    revocation_endpoint_auth_methods_supported: capability.tokenEndpointAuthMethods,
    revocation_endpoint_auth_signing_alg_values_supported: capability.clientAssertionAlgorithms,
    introspection_endpoint: `${issuer}/introspect`,
    introspection_endpoint_auth_methods_supported: capability.introspectionEndpointAuthMethods,
    // RFC 9701 §7.
    introspection_signing_alg_values_supported: capability.introspectionSigningAlgorithms,
    // RFC 9207 §3.
    authorization_response_iss_parameter_supported: true,
    userinfo_endpoint: `${issuer}/userinfo`,
    subject_types_supported: capability.subjectTypes,
    id_token_signing_alg_values_supported: capability.idTokenSigningAlgorithms,
    claims_supported: [...new Set([...capability.idTokenClaims, ...capability.userinfoClaims])],
    acr_values_supported: capability.acrValues,
    prompt_values_supported: capability.promptValues,
    ui_locales_supported: uiLocales,
    claims_parameter_supported: false,
    request_parameter_supported: false,
    // The standard's default for this one is true.
    request_uri_parameter_supported: false,
  }
}
