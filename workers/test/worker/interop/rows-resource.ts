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
  request,
  requestAtServer,
  token,
  visit,
} from './shapes.ts'

const loopback = 'http://localhost:3334/oauth/callback'
const someClient = { client_name: 'Some tool', redirect_uris: [loopback], token_endpoint_auth_method: 'none' }
const asking = { ...requestAtServer, redirect_uri: loopback }
const askingNothing = { ...request, state: 'k7QmZ2', redirect_uri: loopback }
const identity = 'openid profile email offline_access'

export const resourceRows: readonly Row[] = [
  {
    id: 'origin-with-a-slash',
    section: '4.2',
    clients: ['typescript_1', 'inspector', 'others'],
    quirk: 'adds a slash to a resource that is an origin alone, and some write scheme and host in capitals',
    answer: 'an empty path and a slash are the same, scheme and host have no case; nothing else is folded',
    since: '0.1.0',
    server: { path: '' },
    steps: [
      register(someClient),
      visit({ ...asking, resource: '{server}/' }),
      token(codeForm(loopback, { resource: '{server}/' })),
      token(refreshForm({ resource: '{server}/' })),
      visit({ ...asking, resource: 'HTTP://LocalHost:{port}/' }),
      token(codeForm(loopback, { resource: '{server}' })),
    ],
  },
  {
    id: 'origin-in-place-of-the-endpoint',
    section: '4.2',
    clients: ['claude_code', 'others'],
    quirk: 'sends the origin although the metadata names /mcp, and clients with an old cache do so for long',
    answer: 'an origin stands for the one server that lives on it; the token is for the registered URL',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...asking, resource: '{origin}' }, { consent: ['localhost:{port}'] }),
      token(codeForm(loopback, { resource: '{origin}' })),
      visit({ ...asking, resource: '{origin}/' }),
      token(codeForm(loopback, { resource: '{origin}/' })),
      token(refreshForm({ resource: '{server}' })),
    ],
  },
  {
    id: 'longer-than-what-is-registered',
    section: '4.2',
    clients: ['claude_code', 'others'],
    quirk: 'sends a URL below the registered one, such as that of a session',
    answer: 'the longest registered prefix at a path boundary is meant; a name that only begins alike is unknown',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...asking, resource: '{server}/sessions/7' }),
      token(codeForm(loopback, { resource: '{server}/sessions/7' })),
      visit({ ...asking, resource: '{server}2' }, { error: 'invalid_target', reason: 'resource_unknown' }),
      visit({ ...asking, resource: '{server}?x=1' }, { error: 'invalid_target', reason: 'resource_malformed' }),
    ],
  },
  {
    id: 'no-resource-at-all',
    section: '4.2',
    clients: ['typescript_1', 'python', 'mcp_remote', 'claude_code'],
    quirk: 'names no resource: without protected resource metadata, in older releases, or by a switch',
    answer:
      'the token is for this server alone and says who the person is; no MCP server takes it, nor learns anything of it',
    decided:
      'Taking the only server a client may reach would hand out tokens for a server that nobody named, so the identity scopes are all there is.',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...askingNothing, scope: `${identity} files:read` }, { consent: ['know who you are?'] }),
      token(codeForm(loopback), { tokens: { scope: identity, audience: '{issuer}' } }),
      atServer(
        'POST',
        '/mcp',
        { status: 401, json: { error: 'invalid_token' } },
        {
          headers: { authorization: 'Bearer {access_token}' },
        },
      ),
      get('/userinfo', { status: 200, json: { email_verified: true } }, { authorization: 'Bearer {access_token}' }),
      token(refreshForm(), { tokens: { scope: identity, audience: '{issuer}' } }),
      token(refreshForm({ resource: '{server}' }), refused(400, 'invalid_grant', 'refresh_resource_mismatch')),
    ],
  },
  {
    id: 'neither-resource-nor-identity',
    section: '4.2',
    clients: ['typescript_1', 'others'],
    quirk: 'names no resource and no scope, or only scopes of the MCP server',
    answer: 'invalid_scope, with a text that says where scopes are listed',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit(askingNothing, { error: 'invalid_scope', reason: 'scope_unknown' }),
      visit({ ...askingNothing, scope: everything }, { error: 'invalid_scope', reason: 'scope_unknown' }),
    ],
  },
  {
    id: 'audience-beside-resource',
    section: '4.2',
    clients: ['librechat', 'gemini'],
    quirk: 'sends audience instead of resource, or beside it',
    answer: 'audience is ignored: resource decides',
    decided: 'A synonym would let two parameters of one request name two servers.',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...asking, audience: 'https://elsewhere.example/mcp', scope: everything }),
      token(codeForm(loopback, { audience: 'https://elsewhere.example/mcp', resource: '{server}' })),
      visit({ ...askingNothing, audience: '{server}', scope: 'openid' }, { consent: ['know who you are?'] }),
      token(codeForm(loopback, { audience: '{server}' }), { tokens: { scope: 'openid', audience: '{issuer}' } }),
    ],
  },
  {
    id: 'resource-at-each-refresh',
    section: '4.2',
    clients: ['typescript_2', 'typescript_1', 'claude_code', 'claude_ai'],
    quirk: 'repeats resource at each refresh, and after a change of settings an old one',
    answer:
      'the same or an equivalent one is taken; a foreign one is invalid_grant, because clients stall on invalid_target',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit(asking),
      token(codeForm(loopback, { resource: '{server}' })),
      token(refreshForm({ resource: '{server}' })),
      token(refreshForm({ resource: '{server}/' })),
      token(
        refreshForm({ resource: 'http://localhost:19999/mcp' }),
        refused(400, 'invalid_grant', 'refresh_resource_mismatch'),
      ),
      token(refreshForm({ resource: '{server}' })),
    ],
  },
  {
    id: 'resource-differs-between-the-calls',
    section: '4.2',
    clients: ['others'],
    quirk: 'spells resource differently at /authorize and /token, or sends it at one of them alone',
    answer:
      'both are compared in canonical spelling; leaving it out at /token is fine, naming another one burns nothing',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit(asking),
      token(codeForm(loopback, { resource: 'HTTP://LOCALHOST:{port}/mcp/' })),
      visit(asking),
      token(codeForm(loopback)),
      visit({ ...askingNothing, scope: 'openid' }),
      token(codeForm(loopback, { resource: '{server}' }), refused(400, 'invalid_target', 'code_resource_mismatch')),
      token(codeForm(loopback), { tokens: { scope: 'openid', audience: '{issuer}' } }),
    ],
  },
  {
    id: 'one-resource-only',
    section: '4.2',
    clients: ['others'],
    quirk: 'names two resources, as RFC 8707 would allow',
    answer: 'twice the same is one; two different ones are invalid_target, because a token is for one server',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...asking, resource: ['{server}', '{server}'] }),
      token(codeForm(loopback), forServer),
      visit(
        { ...asking, resource: ['{server}', '{origin}/other'] },
        { error: 'invalid_target', reason: 'resource_repeated' },
      ),
    ],
  },
]
