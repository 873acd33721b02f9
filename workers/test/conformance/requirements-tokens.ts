import { of, type Requirement } from './requirement.ts'

const metadata = of('rfc8414', 'RFC 8414')
const revocation = of('rfc7009', 'RFC 7009')
const introspection = of('rfc7662', 'RFC 7662')
const bearer = of('rfc6750', 'RFC 6750')
const jwt = of('rfc9068', 'RFC 9068')
const resourceMetadata = of('rfc9728', 'RFC 9728')
const openid = of('oidc-core', 'OpenID Connect Core')
const openidDiscovery = of('oidc-discovery', 'OpenID Connect Discovery')

const ecOnly = 'signatures are ES256 only: one algorithm, small tokens, and no RSA key to guard (docs/architecture.md)'

const metadataRequirements = [
  metadata.must('3-well-known', '§3', 'The metadata is JSON at its well-known path.'),
  metadata.must('2-issuer', '§2', 'issuer is a URL without query and fragment.'),
  metadata.must('3.3-issuer', '§3.3', 'issuer is the URL that was asked, character by character.'),
  metadata.must('2-endpoints', '§2', 'authorization_endpoint and token_endpoint are given and answer.'),
  metadata.must('2-response-types', '§2', 'response_types_supported is given.'),
  metadata.must('2-jwks', '§2', 'jwks_uri holds the signing keys, and no private part.'),
  metadata.may('2-optional-endpoints', '§2', 'Revocation and introspection endpoints are named with their methods.'),
  metadata.may('2-pkce', '§2', 'code_challenge_methods_supported is given.'),
  metadata.must('3.2-no-empty', '§3.2', 'Nothing empty stands in it.'),
  openidDiscovery.must('4-well-known', '§4', 'The configuration is JSON at its well-known path.'),
  openidDiscovery.must('3-required', '§3', 'All members that OpenID Connect requires are there.'),
  openidDiscovery.must('3-openid-scope', '§3', 'scopes_supported holds openid.'),
  openidDiscovery.must('3-rs256', '§3', 'RS256 is among the id_token algorithms.', ecOnly),
]

const revocationRequirements = [
  revocation.must('2.1-refresh', '§2.1', 'Refresh tokens can be revoked.'),
  revocation.should('2.1-access', '§2.1', 'Access tokens can be revoked.'),
  revocation.should('2.1-both', '§2.1', 'Revoking a refresh token ends the access tokens of its grant.'),
  revocation.must('2.1-immediately', '§2.1', 'A revoked token is dead at once.'),
  revocation.must('2.1-client', '§2.1', 'A client revokes only its own tokens.'),
  revocation.must(
    '2.1-client-told',
    '§2.1',
    'A client that asks to revoke the token of another is told of an error.',
    'It is answered like an unknown token, 200, and the token stays alive: an error would tell a thief which tokens are good.',
  ),
  revocation.must('2.2-unknown', '§2.2', 'An unknown token is answered 200.'),
  revocation.must('2.1-missing', '§2.1', 'A request without a token is invalid_request.'),
  revocation.may('2.1-hint', '§2.1', 'token_type_hint may be wrong or unknown.'),
  revocation.may('2.3-cors', '§2.3', 'The endpoint can be used from a browser’s script.'),
]

const introspectionRequirements = [
  introspection.must('2.1-post', '§2.1', 'The endpoint takes POST with a form.'),
  introspection.must('2.1-authorization', '§2.1', 'The caller authenticates.'),
  introspection.must('2.2-active', '§2.2', 'The answer has a boolean active.'),
  introspection.may(
    '2.2-members',
    '§2.2',
    'scope, client_id, username, token_type, exp, iat, sub, aud, iss, jti are told.',
  ),
  introspection.must('2.2-inactive', '§2.2', 'A token that is not active is answered 200 with active false.'),
  introspection.should('2.2-no-detail', '§2.2', 'and with nothing else.'),
  introspection.must('2.3-unauthorized', '§2.3', 'A caller that fails authentication gets 401.'),
  introspection.must('4-revoked', '§4', 'A revoked token is not active.'),
  introspection.should('4-foreign', '§4', 'A token for another resource server is not active.'),
]

const bearerRequirements = [
  bearer.must('2.1-header', '§2.1', 'The Authorization header is supported, its scheme in any case.'),
  bearer.must('3-challenge', '§3', 'A request without a usable token gets a Bearer challenge.'),
  bearer.should('3.1-no-error', '§3.1', 'A request without a token is told no error code.'),
  bearer.should('3.1-invalid-request', '§3.1', 'A malformed Authorization header is 400 invalid_request.'),
  bearer.should('3.1-invalid-token', '§3.1', 'A dead token is 401 invalid_token.'),
  bearer.should('3.1-insufficient-scope', '§3.1', 'Too little scope is 403 insufficient_scope with the scope needed.'),
]

const jwtRequirements = [
  jwt.must('2.1-signed', '§2.1', 'Access tokens are signed, never by none.'),
  jwt.must('2.1-typ', '§2.1', 'typ is at+jwt.'),
  jwt.must('2.1-rs256', '§2.1', 'RS256 is among the supported algorithms.', ecOnly),
  jwt.must('2.2-claims', '§2.2', 'iss, exp, aud, sub, client_id, iat and jti are there.'),
  jwt.should('2.2.1-auth-time', '§2.2.1', 'auth_time says when the person signed in.'),
  jwt.should('2.2.3-scope', '§2.2.3', 'scope is there when the request had one.'),
  jwt.should('3-audience', '§3', 'aud is the resource that was asked for.'),
  jwt.must('4-keys', '§4', 'The key is found through jwks_uri.'),
  jwt.must('5-distinct', '§5', 'An access token cannot pass for an id_token.'),
]

const resourceMetadataRequirements = [
  resourceMetadata.must('2-resource', '§2', 'resource is given.'),
  resourceMetadata.must('3.1-path', '§3.1', 'The well-known string stands between host and path.'),
  resourceMetadata.must('3.2-json', '§3.2', 'The answer is 200 and application/json.'),
  resourceMetadata.must('3.2-no-empty', '§3.2', 'Nothing empty stands in it.'),
  resourceMetadata.must('3.3-identical', '§3.3', 'resource is the URL it was found by.'),
  resourceMetadata.should('2-scopes', '§2', 'scopes_supported is given.'),
  resourceMetadata.may('2-bearer-methods', '§2', 'bearer_methods_supported is given.'),
  resourceMetadata.must('5.1-challenge', '§5.1', 'resource_metadata in the challenge leads to the document.'),
]

const openidRequirements = [
  openid.must('3.1.2.1-methods', '§3.1.2.1', 'The authorization endpoint takes GET and POST.'),
  openid.must('3.1.2.1-prompt-none', '§3.1.2.1', 'prompt=none never shows a page for sign-in or consent.'),
  openid.must(
    '3.1.2.1-prompt-none-redirect',
    '§3.1.2.1',
    'The error for prompt=none always goes to the client by a redirect.',
    'Where a redirect proves nothing of the client, every error stands on a page of ours with a link: RFC 9700 §4.11.2 warns of open redirects.',
  ),
  openid.must('3.1.2.1-prompt-login', '§3.1.2.1', 'prompt=login asks the person to sign in again.'),
  openid.must('3.1.2.1-prompt-consent', '§3.1.2.1', 'prompt=consent asks for consent.'),
  openid.must('3.1.2.1-max-age', '§3.1.2.1', 'An older sign-in than max_age is done again.'),
  openid.may('3.1.2.1-login-hint', '§3.1.2.1', 'login_hint fills in the address.'),
  openid.must('3.1.2.6-request', '§3.1.2.6', 'request and request_uri are refused by their own error codes.'),
  openid.must('2-id-token', '§2', 'The id_token has iss, sub, aud, exp and iat.'),
  openid.must('2-nonce', '§2', 'nonce comes back unchanged in the id_token.'),
  openid.must('2-auth-time', '§2', 'auth_time is there when max_age was asked for.'),
  openid.must('3.1.3.3-openid-only', '§3.1.3.3', 'An id_token is given with scope openid, and only then.'),
  openid.must('3.1.3.7-validation', '§3.1.3.7', 'A strict relying party accepts the id_token.'),
  openid.must('5.3.1-methods', '§5.3.1', 'Userinfo takes GET and POST with a bearer token.'),
  openid.must('5.3.2-sub', '§5.3.2', 'Userinfo has sub, the same as in the id_token.'),
  openid.must('5.4-scope-claims', '§5.4', 'E-mail is told only with scope email.'),
  openid.must('5.3.3-error', '§5.3.3', 'Userinfo refuses as RFC 6750 says.'),
  openid.should('5.3-cors', '§5.3', 'Userinfo can be used from a browser’s script.'),
  openid.must('12.2-refresh', '§12.2', 'An id_token of a refresh has the same iss, sub and auth_time.'),
]

export const tokenRequirements: readonly Requirement[] = [
  ...metadataRequirements,
  ...revocationRequirements,
  ...introspectionRequirements,
  ...bearerRequirements,
  ...jwtRequirements,
  ...resourceMetadataRequirements,
  ...openidRequirements,
]
