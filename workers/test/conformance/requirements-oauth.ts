import { of, type Requirement } from './requirement.ts'

const core = of('rfc6749', 'RFC 6749')
const oauth21 = of('oauth21', 'OAuth 2.1')
const bestPractice = of('rfc9700', 'RFC 9700')
const pkce = of('rfc7636', 'RFC 7636')
const native = of('rfc8252', 'RFC 8252')
const iss = of('rfc9207', 'RFC 9207')
const resource = of('rfc8707', 'RFC 8707')

const authorizationEndpoint = [
  core.must('3.1-get', '§3.1', 'The authorization endpoint takes GET.'),
  core.may('3.1-post', '§3.1', 'The authorization endpoint takes POST.'),
  core.must('3.1-empty', '§3.1', 'A parameter without a value counts as absent.'),
  core.must('3.1-unknown', '§3.1', 'Unknown parameters are ignored.'),
  core.must('3.1-repeated', '§3.1', 'A parameter given twice is refused.'),
  core.must('3.1.1-response-type', '§3.1.1', 'A missing response_type is an error.'),
  core.must('3.1.2.4-invalid-redirect', '§3.1.2.4', 'An unregistered redirect URI is never redirected to.'),
  core.must('4.1.2.1-unknown-client', '§4.1.2.1', 'An unknown client is told to the person, not by redirect.'),
  core.must('4.1.2.1-unsupported-response-type', '§4.1.2.1', 'Another response_type is unsupported_response_type.'),
  core.must('4.1.2.1-access-denied', '§4.1.2.1', 'A refusal comes back as access_denied.'),
  core.must('4.1.2.1-invalid-scope', '§4.1.2.1', 'A scope that means nothing here is invalid_scope.'),
  core.must('4.1.2-state', '§4.1.2', 'state comes back exactly as it was sent, with a code and with an error.'),
  core.must('3.3-default-scope', '§3.3', 'Without scope a default is used, or the request fails.'),
  core.must('3.3-granted-scope', '§3.3', 'The token answer states the scope where it differs from the request.'),
  core.should('10.13-clickjacking', '§10.13', 'Pages cannot be framed.'),
]

const tokenEndpoint = [
  core.must('3.2-post', '§3.2', 'The token endpoint takes POST only.'),
  core.must('3.2-empty', '§3.2', 'A parameter without a value counts as absent.'),
  core.must('3.2-unknown', '§3.2', 'Unknown parameters are ignored.'),
  core.must('3.2-repeated', '§3.2', 'A parameter given twice is refused.'),
  core.must('2.3.1-not-in-uri', '§2.3.1', 'Credentials and grants are not read from the request URI.'),
  core.must('4.1.3-client', '§4.1.3', 'A code works only for the client it was issued to.'),
  core.must('4.1.3-redirect-uri', '§4.1.3', 'The redirect URI at the token endpoint is the one of the request.'),
  core.must('4.1.2-single-use', '§4.1.2', 'A code works once.'),
  core.should('4.1.2-replay', '§4.1.2', 'A second use revokes the tokens of the first.'),
  core.must('5.1-answer', '§5.1', 'The answer has access_token and token_type as JSON.'),
  core.should('5.1-expires-in', '§5.1', 'The answer says in how many seconds the token expires.'),
  core.must('5.1-no-store', '§5.1', 'Token answers are not stored by caches.'),
  core.must('5.2-invalid-request', '§5.2', 'A missing parameter is invalid_request.'),
  core.must('5.2-invalid-client', '§5.2', 'An unknown client is invalid_client.'),
  core.must('5.2-basic-challenge', '§5.2', 'Failed Basic authentication gets 401 and a Basic challenge.'),
  core.must('5.2-invalid-grant', '§5.2', 'An unknown code or refresh token is invalid_grant.'),
  core.must('5.2-unsupported-grant-type', '§5.2', 'Another grant_type is unsupported_grant_type.'),
  core.must('6-client', '§6', 'A refresh token works only for the client it was issued to.'),
  core.must('6-scope', '§6', 'A refresh never gives a scope that was not granted.'),
  core.may('6-narrower', '§6', 'A refresh may ask for less, and the grant stays as it was.'),
]

const pkceRequirements = [
  pkce.must('4.1-verifier', '§4.1', 'A verifier has 43 to 128 unreserved characters.'),
  pkce.must('4.4.1-required', '§4.4.1', 'A request without code_challenge is invalid_request.'),
  pkce.must('4.4.1-method', '§4.4.1', 'A method that is not supported is invalid_request.'),
  pkce.must('4.6-verify', '§4.6', 'A verifier that does not give the challenge is invalid_grant.'),
  oauth21.must('4.1.1-s256', '§4.1.1', 'S256 is supported.'),
  oauth21.must('4.1.3-verifier', '§4.1.3', 'A code is not exchanged without its verifier.'),
]

const bestPractices = [
  bestPractice.must('2.1-exact-redirect', '§2.1', 'Redirect URIs are compared as exact strings.'),
  bestPractice.must('2.1.1-pkce', '§2.1.1', 'Public clients use PKCE.'),
  bestPractice.should('2.1.2-no-implicit', '§2.1.2', 'No token is issued in an authorization response.'),
  bestPractice.must('2.4-no-password', '§2.4', 'The password grant is not offered.'),
  bestPractice.should('2.3-audience', '§2.3', 'An access token is for one resource server.'),
  bestPractice.should('4.2.4-referrer', '§4.2.4', 'Pages keep their URLs from leaking by Referer.'),
  bestPractice.must('4.11-open-redirector', '§4.11', 'The authorization endpoint is no open redirector.'),
  bestPractice.must('4.12-303', '§4.12', 'After a post the browser is never sent on by 307; 303 it is.'),
  bestPractice.must('4.14-refresh-replay', '§4.14', 'Replay of a public client’s refresh token is noticed.'),
  bestPractice.should('4.14-family', '§4.14', 'and ends the whole grant.'),
  bestPractice.must('4.16-framing', '§4.16', 'Pages forbid framing by CSP and X-Frame-Options.'),
  oauth21.must('3.1-no-cors', '§3.1', 'The authorization endpoint has no CORS.'),
  oauth21.must('4.3.1-rotation', '§4.3.1', 'Refresh tokens of public clients rotate or are bound to a key.'),
]

const nativeApps = [
  native.must('7.3-any-port', '§7.3', 'A loopback redirect may use any port.'),
  native.must('8.10-path', '§8.10', 'All but the port of a loopback redirect is compared exactly.'),
  native.must('8.1-pkce', '§8.1', 'Native clients without PKCE are refused.'),
]

const responses = [
  iss.must('2-success', '§2', 'A successful response carries iss.'),
  iss.must('2-error', '§2', 'An error response carries iss.'),
  iss.must('2-identical', '§2', 'iss is the issuer of the metadata, character by character.'),
  iss.must('3-metadata', '§3', 'The metadata says that iss is sent.'),
]

const resourceIndicators = [
  resource.must('2-fragment', '§2', 'A resource with a fragment is no resource.'),
  resource.should('2-invalid-target', '§2', 'An unknown or malformed resource is invalid_target.'),
  resource.should('2-audience', '§2', 'The token’s audience is the resource that was asked for.'),
  resource.must('2.1-scope', '§2.1', 'Scopes are read in the context of the resource.'),
  resource.should('2.2-token-resource', '§2.2', 'A resource outside the grant is refused at the token endpoint.'),
]

export const oauthRequirements: readonly Requirement[] = [
  ...authorizationEndpoint,
  ...tokenEndpoint,
  ...pkceRequirements,
  ...bestPractices,
  ...nativeApps,
  ...responses,
  ...resourceIndicators,
]
