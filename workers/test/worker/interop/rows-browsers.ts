import type { Row } from './row.ts'
import {
  atServer,
  codeForm,
  everything,
  forServer,
  get,
  preflight,
  register,
  requestAtServer,
  token,
  visit,
} from './shapes.ts'

const wellKnown = '/.well-known/oauth-authorization-server'
const loopback = 'http://localhost:6274/oauth/callback'
const some = { client_name: 'MCP Inspector', redirect_uris: [loopback], token_endpoint_auth_method: 'none' }
const asking = { ...requestAtServer, redirect_uri: loopback, scope: everything }
const origin = { origin: 'http://localhost:6274' }

const allowed =
  'Authorization, Content-Type, DPoP, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID'
const atIssuer = { 'access-control-allow-origin': '*', 'access-control-allow-credentials': null }
const open = { status: 204, headers: { ...atIssuer, 'access-control-allow-headers': allowed } }
const exposed = { ...atIssuer, 'access-control-expose-headers': 'WWW-Authenticate, Retry-After, DPoP-Nonce' }
const serverExposed = 'WWW-Authenticate, Mcp-Session-Id, Retry-After, DPoP-Nonce'

export const browserRows: readonly Row[] = [
  {
    id: 'protocol-version-forces-a-preflight',
    section: '4.7',
    clients: ['inspector', 'typescript_2'],
    quirk: 'sends MCP-Protocol-Version with discovery and so a preflight before each request',
    answer:
      'allowed on metadata, keys, /register, /token, /revoke and /userinfo, for any origin and without credentials',
    since: '0.1.0',
    steps: [
      preflight('issuer', wellKnown, { headers: 'mcp-protocol-version' }, open),
      preflight('issuer', '/.well-known/jwks.json', { headers: 'mcp-protocol-version' }, open),
      preflight('issuer', '/register', { method: 'POST', headers: 'content-type,mcp-protocol-version' }, open),
      preflight('issuer', '/token', { method: 'POST', headers: 'mcp-protocol-version' }, open),
      preflight('issuer', '/revoke', { method: 'POST', headers: 'mcp-protocol-version' }, open),
      preflight('issuer', '/userinfo', { headers: 'authorization' }, open),
      get(wellKnown, { status: 200, headers: exposed }, { ...origin, 'mcp-protocol-version': '2025-11-25' }),
    ],
  },
  {
    id: 'headers-of-both-revisions',
    section: '4.7',
    clients: ['inspector'],
    quirk: 'sends Mcp-Method and Mcp-Name by the newest revision, Mcp-Session-Id and Last-Event-ID by older ones',
    answer: 'the MCP server behind our SDK allows all of them, and exposes what a client must read',
    since: '0.1.0',
    steps: [
      preflight(
        'server',
        '/mcp',
        { method: 'POST', headers: 'authorization,content-type,mcp-method,mcp-name,mcp-protocol-version' },
        { status: 204, headers: { 'access-control-allow-origin': '*' } },
      ),
      preflight('server', '/mcp', { headers: 'last-event-id,mcp-session-id' }, { status: 204 }),
      atServer(
        'POST',
        '/mcp',
        {
          status: 401,
          headers: { 'access-control-allow-origin': '*', 'access-control-expose-headers': serverExposed },
        },
        { headers: origin },
      ),
    ],
  },
  {
    id: 'preflight-has-no-token',
    section: '4.7',
    clients: ['inspector', 'others'],
    quirk: 'sends its preflight without any token, as browsers do, and gives up at a 401',
    answer: 'preflights are answered before authentication; any other OPTIONS is a request like every other',
    since: '0.1.0',
    steps: [
      preflight('server', '/mcp', { method: 'POST', headers: 'authorization' }, { status: 204 }),
      preflight('issuer', '/userinfo', { headers: 'authorization' }, open),
      atServer('OPTIONS', '/mcp', { status: 401 }),
    ],
  },
  {
    id: 'exchange-in-a-web-page',
    section: '4.7',
    clients: ['cloudflare', 'inspector'],
    quirk: 'exchanges and refreshes from a web page on another origin',
    answer: '/token answers any origin, errors too, and never with credentials',
    since: '0.1.0',
    steps: [
      register(some, { headers: atIssuer }),
      visit(asking),
      token(codeForm(loopback), { ...forServer, headers: exposed }, { origin: 'https://one.dash.cloudflare.com' }),
      token(
        { grant_type: 'refresh_token' },
        { status: 400, headers: exposed },
        { origin: 'https://one.dash.cloudflare.com' },
      ),
    ],
  },
  {
    id: 'no-reflected-origin',
    section: '4.7',
    clients: ['others'],
    quirk: 'has been served by servers that reflect its origin together with credentials',
    answer: 'the origin is never reflected, and credentials are never allowed',
    since: '0.1.0',
    steps: [
      get(wellKnown, { status: 200, headers: atIssuer }, { origin: 'https://evil.example' }),
      token({}, { status: 400, headers: atIssuer }, { origin: 'https://evil.example' }),
      atServer('GET', '/mcp', { status: 401, headers: atIssuer }, { headers: { origin: 'https://evil.example' } }),
    ],
  },
  {
    id: 'pages-for-people-have-no-cors',
    section: '4.7',
    clients: ['others'],
    quirk: 'tries to read or frame the authorization page from a web page',
    answer: 'pages for people have no CORS and cannot be framed',
    since: '0.1.0',
    steps: [
      preflight('issuer', '/authorize', {}, { status: 405, headers: { 'access-control-allow-origin': null } }),
      get(
        '/authorize?client_id=client_nobody',
        { status: 400, headers: { 'access-control-allow-origin': null, 'x-frame-options': 'DENY' } },
        origin,
      ),
    ],
  },
]
