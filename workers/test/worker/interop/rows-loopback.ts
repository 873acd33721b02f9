import type { Row } from './row.ts'
import {
  codeForm,
  everything,
  refreshForm,
  refused,
  register,
  request,
  requestAtServer,
  token,
  visit,
} from './shapes.ts'

const publicClient = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
const none = { ...publicClient, token_endpoint_auth_method: 'none' }
const notice = 'A program on this computer. Approve only if you have just started it yourself.'
const unverified = 'name not verified'
const at = (redirect_uri: string) => ({ ...requestAtServer, redirect_uri, scope: everything })

/** Programs on the person's own computer (RFC 8252 §7.3). */
export const loopbackRows: readonly Row[] = [
  {
    id: 'claude-code-registers',
    section: '4.4',
    clients: ['claude_code'],
    quirk: 'registers port 3118 and listens on another one when that is taken',
    answer: 'the port of a loopback redirect is free, name and path are not',
    since: '0.1.0',
    steps: [
      register({
        ...none,
        client_name: 'Claude Code (my-files)',
        redirect_uris: ['http://localhost:3118/callback'],
        application_type: 'native',
      }),
      visit(at('http://localhost:3118/callback'), { consent: [unverified, 'localhost:3118', notice] }),
      token(codeForm('http://localhost:3118/callback', { resource: '{server}' })),
      visit(at('http://localhost:61234/callback')),
      token(codeForm('http://localhost:61234/callback', { resource: '{server}' })),
      visit(at('http://127.0.0.1:3118/callback'), { page: 'redirect_uri_mismatch' }),
      visit(at('http://localhost:3118/callback/'), { page: 'redirect_uri_mismatch' }),
    ],
  },
  {
    id: 'claude-code-known-beforehand',
    section: '4.4',
    clients: ['claude_code', 'mcp_remote'],
    quirk: 'is given an id that ships with this server, and calls back on any of the three loopback names',
    answer: '/callback and /oauth/callback on localhost, 127.0.0.1 and [::1], any port',
    since: '0.1.0',
    steps: [
      visit({ ...at('http://[::1]:52100/callback'), client_id: 'client_claude_code' }, { consent: ['Claude Code'] }),
      token(codeForm('http://[::1]:52100/callback', { client_id: 'client_claude_code' })),
      visit({ ...at('http://127.0.0.1:3334/oauth/callback'), client_id: 'client_install_mcp' }),
      token(codeForm('http://127.0.0.1:3334/oauth/callback', { client_id: 'client_install_mcp' })),
    ],
  },
  {
    id: 'copilot-cli-at-the-root',
    section: '4.4',
    clients: ['copilot_cli'],
    quirk: 'calls back at the root of a random port, and registers no scope',
    answer: 'a root is a path like any other',
    since: '0.1.0',
    steps: [
      register({ ...none, client_name: 'GitHub Copilot CLI', redirect_uris: ['http://127.0.0.1:49811/'] }),
      visit({ ...requestAtServer, redirect_uri: 'http://127.0.0.1:50422/' }, { consent: [notice] }),
      token(codeForm('http://127.0.0.1:50422/', { resource: '{server}' })),
    ],
  },
  {
    id: 'codex-path-with-an-id',
    section: '4.4',
    clients: ['codex'],
    quirk: 'has an id in the path of its callback, the same at every run',
    answer: 'the port is free, the path is exact: another id is another address',
    since: '0.1.0',
    steps: [
      register({
        ...none,
        client_name: 'Codex',
        redirect_uris: ['http://127.0.0.1:8765/callback/6f1c2a'],
        application_type: 'native',
      }),
      visit(at('http://127.0.0.1:40001/callback/6f1c2a')),
      token(codeForm('http://127.0.0.1:40001/callback/6f1c2a', { resource: '{server}' })),
      visit(at('http://127.0.0.1:40001/callback/6f1c2b'), { page: 'redirect_uri_mismatch' }),
      visit(at('http://127.0.0.1:40001/callback'), { page: 'redirect_uri_mismatch' }),
    ],
  },
  {
    id: 'opencode-without-application-type',
    section: '4.4',
    clients: ['opencode'],
    quirk: 'registers a loopback redirect without application_type, for which the standard would mean web',
    answer: 'native is inferred from the redirect',
    since: '0.1.0',
    steps: [
      register(
        {
          ...none,
          client_name: 'OpenCode',
          client_uri: 'https://opencode.ai',
          redirect_uris: ['http://127.0.0.1:19876/mcp/oauth/callback'],
        },
        { json: { application_type: 'native' } },
      ),
      visit(at('http://127.0.0.1:19876/mcp/oauth/callback')),
      token(codeForm('http://127.0.0.1:19876/mcp/oauth/callback', { resource: '{server}' })),
    ],
  },
  {
    id: 'gemini-registers-each-time',
    section: '4.4',
    clients: ['gemini'],
    quirk: 'registers anew for each port it got, with an empty scope and members nobody knows',
    answer: 'each registration is answered, none is stored, and all stay valid',
    since: '0.1.0',
    steps: [
      register(
        {
          ...none,
          client_name: 'Gemini CLI MCP Client',
          redirect_uris: ['http://localhost:7777/oauth/callback'],
          code_challenge_method: ['S256'],
          scope: '',
        },
        { without: ['scope', 'code_challenge_method'], learn: { first_client: 'client_id' } },
      ),
      register({
        ...none,
        client_name: 'Gemini CLI MCP Client',
        redirect_uris: ['http://localhost:41999/oauth/callback'],
        scope: '',
      }),
      visit(at('http://localhost:41999/oauth/callback')),
      token(codeForm('http://localhost:41999/oauth/callback', { resource: '{server}' })),
      visit({ ...at('http://localhost:7777/oauth/callback'), client_id: '{first_client}' }),
      token(codeForm('http://localhost:7777/oauth/callback', { client_id: '{first_client}', resource: '{server}' })),
      token(refreshForm({ client_id: '{first_client}', resource: '{server}', scope: everything })),
    ],
  },
  {
    id: 'mcp-remote-keeps-its-client',
    section: '4.4',
    clients: ['mcp_remote'],
    quirk: 'keeps its registration for a server, and comes back on another port',
    answer: 'the old id is good for the new port',
    since: '0.1.0',
    steps: [
      register({
        ...none,
        client_name: 'MCP CLI Proxy',
        client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
        software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
        software_version: '0.1.38',
        redirect_uris: ['http://localhost:3334/oauth/callback'],
        scope: 'files:read offline_access',
      }),
      visit({ ...at('http://localhost:21873/oauth/callback'), prompt: 'consent' }),
      token(codeForm('http://localhost:21873/oauth/callback', { resource: '{server}' })),
      token(refreshForm({ resource: '{server}' })),
    ],
  },
  {
    id: 'inspector-without-state',
    section: '4.4',
    clients: ['inspector'],
    quirk: 'has a second callback for its guided flow, and once sent no state',
    answer: 'each listed redirect works, and without a state none comes back',
    since: '0.1.0',
    steps: [
      register({
        ...none,
        client_name: 'MCP Inspector',
        client_uri: 'https://github.com/modelcontextprotocol/inspector',
        redirect_uris: ['http://localhost:6274/oauth/callback', 'http://localhost:6274/oauth/callback/debug'],
        scope: '',
      }),
      visit({ ...request, redirect_uri: 'http://localhost:6274/oauth/callback/debug', resource: '{server}' }),
      token(codeForm('http://localhost:6274/oauth/callback/debug', { resource: '{server}' })),
    ],
  },
  {
    id: 'mcporter-keeps-its-port',
    section: '4.4',
    clients: ['mcporter'],
    quirk: 'registers the redirect of the port that it just got',
    answer: 'as with every loopback redirect, the port does not matter',
    since: '0.1.0',
    steps: [
      register({ ...none, client_name: 'mcporter (my-files)', redirect_uris: ['http://127.0.0.1:54321/callback'] }),
      visit(at('http://127.0.0.1:54321/callback')),
      token(codeForm('http://127.0.0.1:54321/callback', { resource: '{server}' })),
    ],
  },
  {
    id: 'three-loopback-names',
    section: '4.4',
    clients: ['others'],
    quirk: 'takes another address of the loopback network, or another spelling of it',
    answer: 'loopback is localhost, 127.0.0.1 and [::1], spelt like this',
    decided:
      'Some servers take all of 127.0.0.0/8: no client of note needs it, and each more spelling is one more to get wrong.',
    since: '0.1.0',
    steps: [
      register(
        { ...none, client_name: 'Some tool', redirect_uris: ['http://127.0.0.2/cb', 'http://localhost/cb'] },
        { json: { redirect_uris: ['http://localhost/cb'] } },
      ),
      visit(at('http://127.0.0.2/cb'), { page: 'redirect_uri_malformed' }),
      visit(at('http://[0:0:0:0:0:0:0:1]/cb'), { page: 'redirect_uri_malformed' }),
      {
        ...register({ ...none, client_name: 'Some tool', redirect_uris: ['http://0.0.0.0:8080/cb'] }),
        expect: refused(400, 'invalid_redirect_uri', 'redirect_uris_invalid'),
      },
    ],
  },
]
