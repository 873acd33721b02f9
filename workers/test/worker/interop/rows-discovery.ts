import type { Row } from './row.ts'
import { atServer, codeForm, everything, get, preflight, register, requestAtServer, token, visit } from './shapes.ts'

const wellKnown = '/.well-known/oauth-authorization-server'
const missing = { status: 404, headers: { 'content-type': 'application/json' }, json: { error: 'not_found' } }
const loopback = 'http://localhost:3118/callback'
const someClient = { client_name: 'Some tool', redirect_uris: [loopback], token_endpoint_auth_method: 'none' }

/** A 401 that leads to the metadata (RFC 9728 §5.1), on whatever is probed. */
const challenge = {
  status: 401,
  headers: {
    'www-authenticate':
      'Bearer scope="files:read", resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp"',
  },
}

export const discoveryRows: readonly Row[] = [
  {
    id: 'probes-many-well-known-paths',
    section: '4.1',
    clients: ['typescript_2', 'typescript_1', 'python', 'claude_ai', 'gemini'],
    quirk: 'probes several well-known paths, at the MCP server too; a 5xx or HTML stops it, a 4xx lets it go on',
    answer: 'unknown paths answer a small JSON 404, also to a program that says it takes HTML',
    since: '0.1.0',
    steps: [
      get(wellKnown, { status: 200, json: { issuer: '{issuer}' } }, { 'mcp-protocol-version': '2025-11-25' }),
      get('/.well-known/openid-configuration', { status: 200, json: { issuer: '{issuer}' } }),
      get(`${wellKnown}/mcp`, missing),
      get('/.well-known/openid-configuration/mcp', missing, { accept: 'text/html,*/*' }),
      get('/mcp/.well-known/openid-configuration', missing, { accept: 'application/json' }),
      atServer('GET', wellKnown, missing),
      atServer('GET', `${wellKnown}/mcp`, missing),
      atServer('GET', '/.well-known/openid-configuration/mcp', missing),
      atServer('GET', '/.well-known/oauth-protected-resource/other', missing),
    ],
  },
  {
    id: 'issuer-character-by-character',
    section: '4.1',
    clients: ['typescript_2', 'python', 'claude_ai'],
    quirk: 'compares the issuer character by character in both metadata documents, the callback and the ID token',
    answer: 'one string without trailing slash, everywhere',
    since: '0.1.0',
    steps: [
      atServer('GET', '/.well-known/oauth-protected-resource/mcp', {
        status: 200,
        json: { authorization_servers: ['{issuer}'] },
      }),
      get(wellKnown, { status: 200, json: { issuer: '{issuer}', token_endpoint: '{issuer}/token' } }),
      register(someClient),
      visit({ ...requestAtServer, redirect_uri: loopback, scope: `openid ${everything}` }),
      token(codeForm(loopback), {
        learn: { id_token: 'id_token' },
        tokens: { scope: `${everything} openid`, audience: '{server}' },
      }),
    ],
  },
  {
    id: 's256-or-nothing',
    section: '4.1',
    clients: ['claude_code', 'claude_ai', 'chatgpt'],
    quirk: 'does not start unless S256 is advertised',
    answer: 'S256 is advertised, and is all there is',
    since: '0.1.0',
    steps: [
      get(wellKnown, { status: 200, json: { code_challenge_methods_supported: ['S256'] } }),
      get('/.well-known/openid-configuration', { status: 200, json: { code_challenge_methods_supported: ['S256'] } }),
    ],
  },
  {
    id: 'metadata-document-needs-two-flags',
    section: '4.1',
    clients: ['claude_ai', 'codex'],
    quirk: 'brings its metadata document only where both the flag and the method none are advertised',
    answer: 'both are',
    since: '0.1.0',
    steps: [
      get(wellKnown, {
        status: 200,
        json: {
          client_id_metadata_document_supported: true,
          token_endpoint_auth_methods_supported: [
            'none',
            'client_secret_basic',
            'client_secret_post',
            'private_key_jwt',
          ],
        },
      }),
    ],
  },
  {
    id: 'falls-back-to-the-usual-paths',
    section: '4.1',
    clients: ['claude_ai', 'vscode'],
    quirk:
      'uses /register, /authorize and /token at the root when it missed the metadata, as the 2025-03-26 revision says',
    answer: 'these are the paths',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...requestAtServer, redirect_uri: loopback, scope: everything }),
      token(codeForm(loopback)),
      get(wellKnown, {
        status: 200,
        json: { registration_endpoint: '{issuer}/register', authorization_endpoint: '{issuer}/authorize' },
      }),
    ],
  },
  {
    id: 'probes-with-head-or-get',
    section: '4.1',
    clients: ['gemini', 'mcp_remote', 'claude_ai'],
    quirk: 'asks the MCP URL with HEAD or GET before the first POST, and reads the challenge from that',
    answer: '401 with the challenge on any method',
    since: '0.1.0',
    steps: [
      atServer('HEAD', '/mcp', challenge, { headers: { accept: 'application/json' } }),
      atServer('GET', '/mcp', challenge, { headers: { accept: 'text/event-stream' } }),
      atServer('POST', '/mcp', challenge, {
        json: { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } },
      }),
    ],
  },
  {
    id: 'uses-both-spellings-of-the-endpoint',
    section: '4.1',
    clients: ['claude_ai', 'gemini'],
    quirk: 'uses /mcp and /mcp/ for the same server',
    answer: 'both are challenged alike, and a token asked for one is for the registered URL',
    since: '0.1.0',
    steps: [
      atServer('POST', '/mcp', challenge),
      atServer('POST', '/mcp/', challenge),
      register(someClient),
      visit({ ...requestAtServer, redirect_uri: loopback, resource: '{server}/' }),
      token(codeForm(loopback, { resource: '{server}/' })),
    ],
  },
  {
    id: 'resource-equal-to-what-was-typed',
    section: '4.1',
    clients: ['claude_code', 'vscode', 'gemini'],
    quirk: 'refuses protected resource metadata whose resource is not the URL that the person typed, path included',
    answer: 'the document at the path form, at the root and the hosted copy all hold the registered string',
    since: '0.1.0',
    steps: [
      atServer('GET', '/.well-known/oauth-protected-resource/mcp', { status: 200, json: { resource: '{server}' } }),
      atServer('GET', '/.well-known/oauth-protected-resource', { status: 200, json: { resource: '{server}' } }),
      get('/.well-known/oauth-protected-resource/{server_id}', { status: 200, json: { resource: '{server}' } }),
    ],
  },
  {
    id: 'calls-from-a-data-centre',
    section: '4.1',
    clients: ['claude_ai', 'chatgpt'],
    quirk:
      'calls from few addresses of a data centre, without a browser, and takes a page of bot protection for a failure',
    answer: 'no program is challenged, whatever it calls itself, and discovery asks nobody else',
    since: '0.1.0',
    steps: [
      get(
        wellKnown,
        { status: 200, headers: { 'content-type': 'application/json' } },
        {
          'user-agent': 'python-httpx/0.28.1',
          'cf-connecting-ip': '160.79.104.10',
        },
      ),
      { ...get(wellKnown, { status: 200 }), at: 'issuer without database' },
      { ...get('/.well-known/jwks.json', { status: 200 }), at: 'issuer without database' },
      { ...register(someClient), at: 'issuer without database' },
    ],
  },
  {
    id: 'reads-metadata-in-a-browser',
    section: '4.1',
    clients: ['inspector'],
    quirk: 'reads all metadata from a web page, with a header that forces a preflight',
    answer: 'metadata of both servers answers any origin',
    since: '0.1.0',
    steps: [
      preflight(
        'issuer',
        wellKnown,
        { headers: 'mcp-protocol-version' },
        {
          status: 204,
          headers: { 'access-control-allow-origin': '*' },
        },
      ),
      preflight(
        'server',
        '/.well-known/oauth-protected-resource/mcp',
        { headers: 'mcp-protocol-version' },
        {
          status: 204,
          headers: { 'access-control-allow-origin': '*' },
        },
      ),
      atServer('GET', '/.well-known/oauth-protected-resource/mcp', {
        status: 200,
        headers: { 'access-control-allow-origin': '*' },
      }),
    ],
  },
]
