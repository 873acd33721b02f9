import type { Row } from './row.ts'
import { codeForm, everything, refused, register, requestAtServer, token, visit } from './shapes.ts'

const publicClient = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
const none = { ...publicClient, token_endpoint_auth_method: 'none' }
const unverified = 'name not verified'
const at = (redirect_uri: string) => ({ ...requestAtServer, redirect_uri, scope: everything })

const cursorRedirects = [
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'https://www.cursor.com/agents/mcp/oauth/callback',
  'http://localhost:8787/callback',
]
const cursor = { ...none, client_name: 'Cursor', redirect_uris: cursorRedirects }
const vscodeState = `vscode%3A%2F%2Fvscode.microsoft-authentication%2Fcallback%3Fnonce%3D${'a1b2c3d4'.repeat(60)}`
const cline = 'vscode://saoudrizwan.claude-dev/mcp-auth/callback'
const deepLink = 'The app on this computer that opens “{scheme}” links.'

/** Redirects on the web and to other apps, and registrations that mix them (RFC 8252 §7.1, RFC 9700 §4.1.3). */
export const redirectRows: readonly Row[] = [
  {
    id: 'claude-ai-registers',
    section: '4.4',
    clients: ['claude_ai'],
    quirk: 'registers an https redirect without application_type, and refreshes a second after the code exchange',
    answer: 'web is inferred; the name is shown as not verified; no token is too young',
    since: '0.1.0',
    steps: [
      register(
        {
          ...none,
          client_name: 'Claude',
          redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
          scope: 'files:read files:write',
        },
        { json: { application_type: 'web' } },
      ),
      visit(at('https://claude.ai/api/mcp/auth_callback'), { consent: [unverified, 'claude.ai'] }),
      token(codeForm('https://claude.ai/api/mcp/auth_callback', { resource: '{server}' })),
      token({
        grant_type: 'refresh_token',
        refresh_token: '{refresh_token}',
        client_id: '{client_id}',
        resource: '{server}',
      }),
      visit(at('https://claude.com/api/mcp/auth_callback'), { page: 'redirect_uri_mismatch' }),
    ],
  },
  {
    id: 'cursor-three-at-once',
    section: '4.4',
    clients: ['cursor'],
    quirk: 'registers a private-use, an https and a loopback redirect at once, and changed them twice in three months',
    answer: 'all three are kept, and each can be used; the page says where the answer goes',
    since: '0.1.0',
    steps: [
      register(cursor, { json: { redirect_uris: cursorRedirects, application_type: 'native' } }),
      visit(at('http://localhost:8787/callback'), { consent: ['localhost:8787'] }),
      token(codeForm('http://localhost:8787/callback', { resource: '{server}' })),
      visit(at(cursorRedirects[0] ?? ''), { consent: ['cursor:', deepLink.replace('{scheme}', 'cursor')] }),
      token(codeForm(cursorRedirects[0] ?? '', { resource: '{server}' })),
      visit(at(cursorRedirects[1] ?? ''), { consent: ['www.cursor.com'] }),
      token(codeForm(cursorRedirects[1] ?? '', { resource: '{server}' })),
    ],
  },
  {
    id: 'mixed-set-uri-by-uri',
    section: '4.4',
    clients: ['cursor', 'others'],
    quirk: 'has one redirect in its set that a server does not take',
    answer: 'that one is left out and the answer shows the rest; a set of nothing but such ones is refused',
    since: '0.1.0',
    variables: { PRIVATE_USE_SCHEMES: 'vscode' },
    steps: [
      register(cursor, { json: { redirect_uris: cursorRedirects.slice(1) } }),
      visit(at(cursorRedirects[0] ?? ''), { page: 'redirect_uri_malformed' }),
      visit(at('http://localhost:8787/callback')),
      token(codeForm('http://localhost:8787/callback', { resource: '{server}' })),
      {
        ...register({ ...none, client_name: 'Some tool', redirect_uris: ['javascript:alert(1)', 'data:text/html,x'] }),
        expect: refused(400, 'invalid_redirect_uri', 'redirect_uris_invalid'),
      },
    ],
  },
  {
    id: 'vscode-registers-four',
    section: '4.4',
    clients: ['vscode'],
    quirk:
      'registers four redirects and a device grant, listens on a random port, compares the slash, and sends a long state',
    answer: 'all four are kept; the slash is part of the path; the state comes back byte for byte',
    since: '0.1.0',
    steps: [
      register(
        {
          client_name: 'Visual Studio Code',
          client_uri: 'https://code.visualstudio.com',
          grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
          response_types: ['code'],
          redirect_uris: [
            'https://insiders.vscode.dev/redirect',
            'https://vscode.dev/redirect',
            'http://127.0.0.1/',
            'http://127.0.0.1:33418/',
          ],
          scope: 'files:read',
          token_endpoint_auth_method: 'none',
          application_type: 'native',
        },
        { json: { grant_types: ['authorization_code', 'refresh_token'] } },
      ),
      visit({ ...at('http://127.0.0.1:51999/'), state: vscodeState }, { consent: ['Visual Studio Code', unverified] }),
      token(codeForm('http://127.0.0.1:51999/', { resource: '{server}' })),
      visit({ ...at('https://vscode.dev/redirect'), state: vscodeState }),
      token(codeForm('https://vscode.dev/redirect', { resource: '{server}' })),
      visit(at('http://127.0.0.1:33418'), { page: 'redirect_uri_mismatch' }),
      visit(at('https://vscode.dev/redirect/'), { page: 'redirect_uri_mismatch' }),
    ],
  },
  {
    id: 'antigravity-on-its-own-host',
    section: '4.4',
    clients: ['antigravity'],
    quirk: 'is a program on the computer, and calls back on the web',
    answer: 'https redirects are compared as strings, whoever registers them; the name is shown as not verified',
    since: '0.1.0',
    steps: [
      register({ ...none, client_name: 'Antigravity', redirect_uris: ['https://antigravity.google/oauth-callback'] }),
      visit(at('https://antigravity.google/oauth-callback'), { consent: [unverified, 'antigravity.google'] }),
      token(codeForm('https://antigravity.google/oauth-callback', { resource: '{server}' })),
      visit(at('https://antigravity.google/oauth-callback?x=1'), { page: 'redirect_uri_mismatch' }),
    ],
  },
  {
    id: 'cline-with-a-hash',
    section: '4.4',
    clients: ['cline'],
    quirk: 'calls back through its editor, at a path that ends in a hash of the server’s URL',
    answer: 'the scheme is on the list of this server; the URI is exact, so another hash is another address',
    since: '0.1.0',
    steps: [
      register({ ...none, client_name: 'Cline', redirect_uris: [`${cline}/9b74c9897bac770f`] }),
      visit(at(`${cline}/9b74c9897bac770f`), { consent: ['vscode:', deepLink.replace('{scheme}', 'vscode')] }),
      token(codeForm(`${cline}/9b74c9897bac770f`, { resource: '{server}' })),
      visit(at(`${cline}/0000000000000000`), { page: 'redirect_uri_mismatch' }),
      visit(at(cline), { page: 'redirect_uri_mismatch' }),
    ],
  },
  {
    id: 'schemes-of-a-list',
    section: '4.4',
    clients: ['others'],
    quirk: 'brings a private-use scheme that this server does not know',
    answer:
      'schemes come from a list that the operator keeps; no error goes to one by itself, and consent is asked each time',
    decided:
      'MCP takes https and loopback redirects alone; any app can claim a scheme, so only schemes of known programs are let in.',
    since: '0.1.0',
    steps: [
      {
        ...register({ ...none, client_name: 'Some tool', redirect_uris: ['sometool://oauth/callback'] }),
        expect: refused(400, 'invalid_redirect_uri', 'redirect_uris_invalid'),
      },
      register({ ...none, client_name: 'Some tool', redirect_uris: ['cursor://some.tool/callback'] }),
      visit(
        { ...at('cursor://some.tool/callback'), scope: 'admin:everything' },
        { error: 'invalid_scope', reason: 'scope_unknown' },
      ),
      visit(at('cursor://some.tool/callback'), { consent: [unverified] }),
      token(codeForm('cursor://some.tool/callback', { resource: '{server}' })),
      visit(at('cursor://some.tool/callback'), { consent: [unverified] }),
    ],
  },
]
