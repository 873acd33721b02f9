import type { Row } from './row.ts'
import {
  atServer,
  codeForm,
  everything,
  forServer,
  get,
  refreshForm,
  register,
  requestAtServer,
  token,
  visit,
} from './shapes.ts'

const loopback = 'http://localhost:41735/oauth/callback'
const someClient = { client_name: 'Some tool', redirect_uris: [loopback], token_endpoint_auth_method: 'none' }
const asking = { ...requestAtServer, redirect_uri: loopback }
const identity = 'openid profile email offline_access'
const granted = (scope: string) => ({ tokens: { scope, audience: '{server}' } })

export const scopeRows: readonly Row[] = [
  {
    id: 'spaces-in-scope',
    section: '4.3',
    clients: ['claude_ai'],
    quirk: 'puts a space before the scopes, and two between them',
    answer: 'white space separates, whatever there is of it; repeated names count once',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...asking, scope: '  files:read   files:write files:read ' }),
      token(codeForm(loopback)),
    ],
  },
  {
    id: 'the-whole-advertised-list',
    section: '4.3',
    clients: ['claude_ai', 'python', 'claude_code'],
    quirk: 'asks for the whole scopes_supported of the authorization server, in order',
    answer: 'that list is short, and what is asked for is narrowed to what the MCP server knows',
    since: '0.1.0',
    steps: [
      get('/.well-known/oauth-authorization-server', {
        status: 200,
        json: { scopes_supported: ['openid', 'profile', 'email', 'offline_access'] },
      }),
      register({ ...someClient, scope: identity }),
      visit({ ...asking, scope: `${identity} files:read admin:everything` }),
      token(codeForm(loopback), granted(`files:read ${identity}`)),
    ],
  },
  {
    id: 'openid-scopes-at-a-plain-server',
    section: '4.3',
    clients: ['mcp_remote', 'codex'],
    quirk: 'asks for openid profile email offline_access whatever the MCP server lists',
    answer:
      'they are granted as what they are; the MCP server asks for its own by its 403, and the person is asked once more',
    decided:
      'The defaults of the MCP server stand in for a scope that is absent or empty, not for one that names something else.',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...asking, scope: identity }),
      token(codeForm(loopback), granted(identity)),
      atServer(
        'GET',
        '/mcp',
        { status: 403, json: { error: 'insufficient_scope' } },
        {
          headers: { authorization: 'Bearer {access_token}' },
        },
      ),
      visit({ ...asking, scope: `${identity} files:read` }, { consent: ['It asks for more than it has'] }),
      token(codeForm(loopback), granted(`files:read ${identity}`)),
    ],
  },
  {
    id: 'no-scope',
    section: '4.3',
    clients: ['gemini', 'copilot_cli'],
    quirk: 'sends an empty scope, or none',
    answer: 'both mean the defaults of the MCP server',
    since: '0.1.0',
    server: { scopes: ['files:read', { name: 'files:write', default: false }] },
    steps: [
      register({ ...someClient, scope: '' }),
      visit({ ...asking, scope: '' }),
      token(codeForm(loopback), granted('files:read')),
      visit(asking),
      token(codeForm(loopback), granted('files:read')),
    ],
  },
  {
    id: 'a-scope-nobody-knows',
    section: '4.3',
    clients: ['mcporter'],
    quirk: 'asks for mcp:tools unless told otherwise',
    answer:
      'unknown scopes are dropped beside known ones; alone they are invalid_scope, whose text says where the list is',
    since: '0.1.0',
    steps: [
      register({ ...someClient, scope: 'mcp:tools' }),
      visit({ ...asking, scope: 'mcp:tools files:read' }),
      token(codeForm(loopback), granted('files:read')),
      visit({ ...asking, scope: 'mcp:tools' }, { error: 'invalid_scope', reason: 'scope_unknown' }),
    ],
  },
  {
    id: 'offline-access-and-prompt-consent',
    section: '4.3',
    clients: ['typescript_2', 'typescript_1', 'python'],
    quirk: 'adds offline_access and prompt=consent where the authorization server advertises it',
    answer: 'it is advertised here and never by the MCP server; a refresh token needs neither',
    since: '0.1.0',
    steps: [
      atServer('GET', '/.well-known/oauth-protected-resource/mcp', {
        status: 200,
        json: { scopes_supported: ['files:read', 'files:write'] },
      }),
      register(someClient),
      visit({ ...asking, scope: `${everything} offline_access`, prompt: 'consent' }),
      token(codeForm(loopback), granted(`${everything} offline_access`)),
      visit({ ...asking, scope: everything }),
      token(codeForm(loopback), { ...forServer, learn: { refresh_token: 'refresh_token' } }),
      token(refreshForm()),
    ],
  },
  {
    id: 'refreshes-only-with-offline-access',
    section: '4.3',
    clients: ['chatgpt', 'copilot_studio'],
    quirk: 'refreshes only if the token response says that offline_access was granted',
    answer: 'the response says so, at each refresh too',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...asking, scope: 'files:read offline_access' }),
      token(codeForm(loopback), granted('files:read offline_access')),
      token(refreshForm(), granted('files:read offline_access')),
    ],
  },
  {
    id: 'scope-at-refresh',
    section: '4.3',
    clients: ['gemini'],
    quirk: 'sends scope at refresh, sometimes more than was granted',
    answer: 'it is narrowed to the grant, and the grant stays as it is',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...asking, scope: 'files:read' }),
      token(codeForm(loopback), granted('files:read')),
      token(refreshForm({ scope: `${everything} admin:everything` }), granted('files:read')),
      visit({ ...asking, scope: everything }),
      token(codeForm(loopback)),
      token(refreshForm({ scope: 'files:read' }), granted('files:read')),
      token(refreshForm()),
    ],
  },
  {
    id: 'unknown-prompt-and-repeated-parameters',
    section: '4.3',
    clients: ['claude_code'],
    quirk: 'sends a prompt that nobody knows, and a parameter twice',
    answer: 'unknown prompts are ignored; twice the same value is one, two different ones are refused',
    since: '0.1.0',
    steps: [
      register(someClient),
      visit({ ...asking, prompt: ['create', 'create'], scope: [everything, everything] }),
      token(codeForm(loopback)),
      visit(
        { ...asking, scope: ['files:read', 'files:write'] },
        { error: 'invalid_request', reason: 'parameter_repeated' },
      ),
      visit({ ...asking, redirect_uri: [loopback, 'http://localhost:1/x'] }, { page: 'parameter_repeated' }),
    ],
  },
  {
    id: 'granted-less-than-asked',
    section: '4.3',
    clients: ['typescript_2', 'others'],
    quirk: 'asks again and again when it got less than it asked for, or does not notice',
    answer: 'every token response states the scope; what the owner marked as required cannot be unticked',
    since: '0.1.0',
    server: { scopes: [{ name: 'files:read', required: true }, 'files:write'] },
    steps: [
      register(someClient),
      visit({ ...asking, scope: everything }, { consent: ['needed'], tick: [] }),
      token(codeForm(loopback), granted('files:read')),
      token(refreshForm(), granted('files:read')),
    ],
  },
]
