import { of, type Requirement } from './requirement.ts'

const now = of('mcp-2026-07', 'MCP 2026-07-28, Authorization')
const november = of('mcp-2025-11', 'MCP 2025-11-25, Authorization')
const june = of('mcp-2025-06', 'MCP 2025-06-18, Authorization')

const authorizationServer = [
  now.must('oauth21', 'Overview', 'The authorization server implements OAuth 2.1: code flow, PKCE, nothing older.'),
  now.should('cimd', 'Overview', 'Client ID metadata documents are supported.'),
  now.may('dcr', 'Overview', 'Clients may register themselves.'),
  now.must('discovery', 'Overview', 'RFC 8414 metadata or OpenID Connect Discovery is served; here both.'),
  now.should('iss', 'Authorization Response Validation', 'Every authorization response carries iss, errors included.'),
  now.must('iss-advertised', 'Authorization Response Validation', 'Whoever sends iss says so in the metadata.'),
  now.must('code-challenge-methods', 'Authorization Code Protection', 'The OpenID document lists the PKCE methods.'),
  now.must('rotation', 'Token Theft', 'Refresh tokens of public clients rotate.'),
  now.should('short-lived', 'Token Theft', 'Access tokens are short-lived.'),
  now.must('https', 'Communication Security', 'All endpoints are https outside a developer’s own machine.'),
  now.must('redirect-https', 'Communication Security', 'Redirect URIs are https or on localhost.'),
  now.must('redirect-exact', 'Open Redirection', 'A redirect URI is compared exactly with the registered ones.'),
  now.must('redirect-untrusted', 'Open Redirection', 'Nobody is sent to an untrusted URI.'),
  now.should('redirect-trusted', 'Open Redirection', 'Only a trusted URI is redirected to without asking.'),
  now.must(
    'redirect-host-shown',
    'Localhost Redirect URI Risks',
    'The consent page shows the host of the redirect URI.',
  ),
  now.should(
    'localhost-warning',
    'Localhost Redirect URI Risks',
    'The consent page warns where the redirect is local.',
  ),
  now.should('canonical-case', 'Canonical Server URI', 'Upper case in scheme and host of a resource is understood.'),
  now.may('refresh-offline-access', 'Refresh Tokens', 'offline_access may be asked for when the metadata lists it.'),
]

const documents = [
  now.should('cimd-fetch', 'Client Registration', 'A URL as client_id is fetched.'),
  now.must('cimd-client-id', 'Client Registration', 'The document names its own URL as client_id.'),
  now.should('cimd-cache', 'Client Registration', 'Documents are cached as their headers say.'),
  now.must('cimd-redirect', 'Client Registration', 'Redirect URIs are those of the document.'),
  now.must('cimd-structure', 'Client Registration', 'The document is JSON with its required members.'),
  now.should('cimd-security', 'Client Registration', 'Its security considerations are followed.'),
  now.should('cimd-ssrf', 'Authorization Server Abuse Protection', 'Fetching guards against SSRF.'),
]

const protectedServer = [
  now.must('prm', 'Overview', 'The MCP server publishes protected resource metadata.'),
  now.must('prm-authorization-servers', 'Authorization Server Location', 'It names at least one authorization server.'),
  now.must('prm-location', 'Protected Resource Metadata Discovery', 'The challenge or a well-known URI leads to it.'),
  now.should('challenge-scope', 'Scope Selection Strategy', 'A 401 says which scopes the request needs.'),
  now.should(
    'scope-minimal',
    'Scope Selection Strategy',
    'The first challenge asks for what basic use needs, not for all.',
  ),
  now.must('audience', 'Token Handling', 'Tokens made for another server are refused.'),
  now.must('own-tokens', 'Token Handling', 'Only tokens valid for its own resources are accepted.'),
  now.must('invalid-401', 'Token Handling', 'An invalid or expired token gets 401.'),
  now.must(
    'validate-first',
    'Access Token Privilege Restriction',
    'The token is checked before the request is processed.',
  ),
  now.must('query-token', 'Token Requirements', 'A token in the query string is not taken.'),
  now.must('every-request', 'Token Requirements', 'Authorization is needed on every request, of a session too.'),
  now.should('no-offline-access', 'Refresh Tokens', 'offline_access stands neither in challenges nor in the metadata.'),
  now.must('status-codes', 'Error Handling', '401, 403 and 400 are used for what they mean.'),
  now.should(
    'insufficient-scope',
    'Runtime Insufficient Scope Errors',
    'A 403 carries error, scope and resource_metadata.',
  ),
  now.should(
    'one-challenge',
    'Runtime Insufficient Scope Errors',
    'All scopes an operation needs stand in one challenge.',
  ),
  now.should('consistent', 'Runtime Insufficient Scope Errors', 'The same operation is always challenged alike.'),
  now.must('hierarchy', 'Step-Up Authorization Flow', 'A scope that implies another is enough for it.'),
]

const clients = [
  now.must('client-flow', 'Authorization Flow Steps', 'A client of this revision gets from a bare URL to a tool call.'),
  now.should('client-step-up', 'Step-Up Authorization Flow', 'A client of this revision steps up after a 403.'),
  now.must('client-iss', 'Authorization Response Validation', 'Clients that compare iss accept ours.'),
]

const earlier = [
  november.must('client-flow', 'Authorization Flow', 'A client of this revision gets from a bare URL to a tool call.'),
  november.should('scope-challenge', 'Protected Resource Metadata Discovery', 'The challenge states scopes.'),
  november.must('oidc-pkce', 'Authorization Code Protection', 'The OpenID document lists the PKCE methods.'),
  november.should('cimd', 'Overview', 'Client ID metadata documents are supported.'),
  june.must('challenge', 'Authorization Server Location', 'Every 401 carries the metadata’s URL in WWW-Authenticate.'),
  june.must('rfc8414', 'Overview', 'RFC 8414 metadata is served (OpenID alone is not enough).'),
  june.should('dcr', 'Overview', 'Clients should be able to register themselves.'),
  june.must('client-flow', 'Authorization Flow', 'A client that says this revision is served.'),
]

export const mcpRequirements: readonly Requirement[] = [
  ...authorizationServer,
  ...documents,
  ...protectedServer,
  ...clients,
  ...earlier,
]
