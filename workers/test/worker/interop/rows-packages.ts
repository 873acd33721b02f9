import type { Row } from './row.ts'
import {
  atServer,
  codeForm,
  everything,
  forServer,
  get,
  refreshForm,
  refused,
  register,
  requestAtServer,
  revoke,
  token,
  visit,
  without,
} from './shapes.ts'

const loopback = 'http://localhost:8090/callback'
const scope = `${everything} offline_access`
const grants = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
const none = { ...grants, token_endpoint_auth_method: 'none', redirect_uris: [loopback] }
const asking = { ...requestAtServer, redirect_uri: loopback, scope, prompt: 'consent' }
const json = { accept: 'application/json' }
const all = { tokens: { scope, audience: '{server}' } }
const discovery = { accept: 'application/json', 'mcp-protocol-version': '2025-11-25' }
const bearer = { authorization: 'Bearer {access_token}' }
const writing = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'write_file', arguments: {} } }

/** Whole connections, request by request, as the packages send them. */
export const packageRows: readonly Row[] = [
  {
    id: 'typescript-client-2',
    section: '4.8',
    clients: ['typescript_2', 'mcp_remote', 'inspector'],
    quirk:
      'begins with server/discover, registers as native with a scope, asks with prompt=consent, refreshes without scope',
    answer: 'the whole connection, from the challenge to a refreshed token',
    since: '0.1.0',
    steps: [
      atServer(
        'POST',
        '/mcp',
        { status: 401 },
        {
          headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'server/discover' },
          json: { jsonrpc: '2.0', id: 0, method: 'server/discover' },
        },
      ),
      atServer(
        'GET',
        '/.well-known/oauth-protected-resource/mcp',
        { status: 200, json: { resource: '{server}' } },
        {
          headers: discovery,
        },
      ),
      get('/.well-known/oauth-authorization-server', { status: 200, json: { issuer: '{issuer}' } }, discovery),
      register({ ...none, client_name: 'Some program', scope, application_type: 'native' }),
      visit(asking),
      token(codeForm(loopback, { resource: '{server}' }), all, json),
      token(refreshForm({ resource: '{server}' }), all, json),
      atServer(
        'POST',
        '/mcp',
        { status: 200 },
        { headers: bearer, json: { jsonrpc: '2.0', id: 1, method: 'tools/list' } },
      ),
    ],
  },
  {
    id: 'typescript-sdk-1',
    section: '4.8',
    clients: ['typescript_1'],
    quirk: 'begins with initialize, registers without application_type, does not look at iss',
    answer: 'the whole connection, with a secret in the body where it registered one',
    since: '0.1.0',
    steps: [
      atServer(
        'POST',
        '/mcp',
        { status: 401 },
        {
          json: { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } },
        },
      ),
      register(
        { ...none, client_name: 'Some program', token_endpoint_auth_method: 'client_secret_post', scope },
        { learn: { client_secret: 'client_secret' } },
      ),
      visit(asking),
      token(codeForm(loopback, { client_secret: '{client_secret}', resource: '{server}' }), all, json),
      token(refreshForm({ client_secret: '{client_secret}', resource: '{server}' }), all, json),
    ],
  },
  {
    id: 'python-mcp-2',
    section: '4.8',
    clients: ['python'],
    quirk:
      'has a verifier of 128 characters with - . _ ~, names no method, and sends Basic form-encoded with client_id',
    answer: 'the whole connection',
    since: '0.1.0',
    verifier: `${'aZ09-._~'.repeat(16)}`,
    steps: [
      atServer('POST', '/mcp', { status: 401 }, { headers: { 'mcp-protocol-version': '2026-07-28' } }),
      register(
        { ...grants, client_name: 'Python program', redirect_uris: [loopback], scope },
        {
          json: { token_endpoint_auth_method: 'client_secret_basic' },
          learn: { client_secret: 'client_secret' },
        },
      ),
      visit(asking),
      token(codeForm(loopback, { resource: '{server}' }), all, { authorization: '{basic_encoded}' }),
      token(refreshForm({ resource: '{server}' }), all, { authorization: '{basic_encoded}' }),
    ],
  },
  {
    id: 'oauth4webapi-strict',
    section: '4.8',
    clients: ['oauth4webapi'],
    quirk:
      'wants 201 and application/json exactly, encodes - and _ in Basic, takes a WWW-Authenticate for the error, and revokes',
    answer: 'the whole connection; only invalid_client has a challenge',
    since: '0.1.0',
    steps: [
      get(
        '/.well-known/oauth-authorization-server',
        { status: 200, headers: { 'content-type': 'application/json' } },
        json,
      ),
      register(
        { ...none, client_name: 'Strict program', token_endpoint_auth_method: 'client_secret_basic' },
        {
          headers: { 'content-type': 'application/json' },
          json: { client_secret_expires_at: 0 },
          learn: { client_secret: 'client_secret' },
        },
      ),
      visit(asking),
      token(
        without(codeForm(loopback, { code_verifier: 'x'.repeat(43) }), 'client_id'),
        {
          ...refused(400, 'invalid_grant', 'verifier_mismatch'),
          headers: { 'www-authenticate': null, 'content-type': 'application/json' },
        },
        { authorization: '{basic_strict}' },
      ),
      token(without(codeForm(loopback), 'client_id'), all, { authorization: '{basic_strict}' }),
      revoke(
        { token: '{access_token}', token_type_hint: 'access_token' },
        { status: 200 },
        { authorization: '{basic_strict}' },
      ),
      token(without(refreshForm(), 'client_id'), refused(400, 'invalid_grant', 'connection_revoked'), {
        authorization: '{basic_strict}',
      }),
    ],
  },
  {
    id: 'document-of-a-program',
    section: '4.8',
    clients: ['typescript_2', 'typescript_1', 'python'],
    quirk: 'uses the metadata document of its program where the server says that it takes them, and registers nothing',
    answer: 'the document is read, and the page names its host',
    since: '0.1.0',
    hosted: [
      {
        url: 'https://program.example.com/oauth/client.json',
        body: { ...none, client_id: 'https://program.example.com/oauth/client.json', client_name: 'Some program' },
      },
    ],
    steps: [
      visit({ ...asking, redirect_uri: loopback }, { consent: ['published by program.example.com'] }),
      token(codeForm(loopback, { resource: '{server}' }), all, json),
      token(refreshForm({ resource: '{server}' }), all, json),
    ],
  },
  {
    id: 'asks-for-the-union-after-403',
    section: '4.8',
    clients: ['typescript_2', 'python'],
    quirk:
      'after 403 insufficient_scope starts an authorization for the union of scopes, if its token’s scope is smaller',
    answer:
      'the challenge names every scope the request needs, the page marks what is new, and the token names its scope',
    since: '0.1.0',
    steps: [
      register({ ...none, client_name: 'Some program' }),
      visit({ ...asking, scope: 'files:read' }),
      token(codeForm(loopback, { resource: '{server}' }), { tokens: { scope: 'files:read', audience: '{server}' } }),
      atServer(
        'POST',
        '/mcp',
        { status: 403, json: { error: 'insufficient_scope' } },
        { headers: bearer, json: writing },
      ),
      visit({ ...asking, scope: everything }, { consent: ['It asks for more than it has'] }),
      token(codeForm(loopback, { resource: '{server}' }), forServer),
      atServer('POST', '/mcp', { status: 200 }, { headers: bearer, json: writing }),
    ],
  },
  {
    id: 'refreshes-after-403',
    section: '4.8',
    clients: ['typescript_1'],
    quirk: 'refreshes after 403 insufficient_scope, and so never gets more once it has a refresh token',
    answer: 'the refresh states the same scope, so that the program can see it and ask the person again',
    since: '0.1.0',
    steps: [
      register({ ...none, client_name: 'Some program' }),
      visit({ ...asking, scope: 'files:read' }),
      token(codeForm(loopback, { resource: '{server}' }), { tokens: { scope: 'files:read', audience: '{server}' } }),
      atServer('POST', '/mcp', { status: 403 }, { headers: bearer, json: writing }),
      token(refreshForm({ resource: '{server}' }), { tokens: { scope: 'files:read', audience: '{server}' } }),
    ],
  },
]
