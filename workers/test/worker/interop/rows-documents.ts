import type { Json, Row } from './row.ts'
import { codeForm, everything, refreshForm, requestAtServer, token, visit } from './shapes.ts'

const publicClient = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
const none = { ...publicClient, token_endpoint_auth_method: 'none' }

/** A client_id is where its document is, and the first thing the document says. */
const hosting = (client_id: string, body: Json) => ({ url: client_id, body: { client_id, ...body } })

const at = (redirect_uri: string) => ({ ...requestAtServer, redirect_uri, scope: everything })
const exchange = (redirect_uri: string) => token(codeForm(redirect_uri, { resource: '{server}' }))
const mismatch = { page: 'redirect_uri_mismatch' }

const chatgpt = {
  ...publicClient,
  client_uri: 'https://chatgpt.com/',
  client_name: 'ChatGPT',
  logo_uri: 'https://persistent.oaistatic.com/sonic/misc/openai-logo.png',
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'RS256',
  jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
}
const keys = { url: 'https://chatgpt.com/oauth/jwks.json', body: '{keys}' } as const
const assertion = {
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: '{client_assertion}',
}
const signedExchange = (redirect_uri: string) => token(codeForm(redirect_uri, { resource: '{server}', ...assertion }))
const relayState = `openai_platform_oauth_relay__${'eyJvYXV0aF9pZCI6Im9hdXRoX3NfMSJ9'.repeat(15)}`

/** Clients that bring a document (MCP 2026-07-28, Client Registration), as their makers publish it. */
export const documentRows: readonly Row[] = [
  {
    id: 'claude-code-document',
    section: '4.4',
    clients: ['claude_code'],
    quirk: 'lists localhost and 127.0.0.1 without a port, and moved from one to the other and back between releases',
    answer: 'any port; where several loopback names are listed for a path, each of the three will do',
    since: '0.1.0',
    hosted: [
      hosting('https://claude.ai/oauth/claude-code-client-metadata', {
        ...none,
        client_name: 'Claude Code',
        client_uri: 'https://claude.ai',
        redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
      }),
    ],
    steps: [
      visit(at('http://localhost:3118/callback'), { consent: ['Claude Code', 'published by claude.ai'] }),
      exchange('http://localhost:3118/callback'),
      visit(at('http://127.0.0.1:49500/callback')),
      exchange('http://127.0.0.1:49500/callback'),
      visit(at('http://[::1]:49500/callback')),
      exchange('http://[::1]:49500/callback'),
      visit(at('http://localhost:3118/'), mismatch),
    ],
  },
  {
    id: 'claude-ai-document',
    section: '4.4',
    clients: ['claude_ai'],
    quirk: 'is described on claude.ai and calls back on claude.ai or claude.com',
    answer: 'the pair is an exception in the configuration of this server; a redirect on any other origin is left out',
    since: '0.1.0',
    hosted: [
      hosting('https://claude.ai/oauth/mcp-oauth-client-metadata', {
        ...none,
        client_name: 'Claude',
        redirect_uris: [
          'https://claude.ai/api/mcp/auth_callback',
          'https://claude.com/api/mcp/auth_callback',
          'https://claude.example/api/mcp/auth_callback',
        ],
      }),
    ],
    steps: [
      visit(at('https://claude.com/api/mcp/auth_callback'), { consent: ['published by claude.ai', 'claude.com'] }),
      exchange('https://claude.com/api/mcp/auth_callback'),
      visit(at('https://claude.example/api/mcp/auth_callback'), mismatch),
    ],
  },
  {
    id: 'chatgpt-signs',
    section: '4.4',
    clients: ['chatgpt'],
    quirk: 'offers none and private_key_jwt with RS256, and sends a state of half a kilobyte',
    answer: 'the stronger of what it offers counts, with the keys of its document; the state comes back as it is',
    since: '0.1.0',
    hosted: [
      hosting('https://chatgpt.com/oauth/client.json', {
        ...chatgpt,
        token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
        redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
      }),
      keys,
    ],
    steps: [
      visit(
        { ...at('https://chatgpt.com/connector_platform_oauth_redirect'), state: relayState },
        { consent: ['ChatGPT', 'published by chatgpt.com'] },
      ),
      token(codeForm('https://chatgpt.com/connector_platform_oauth_redirect', { resource: '{server}' }), {
        status: 401,
        json: { error: 'invalid_client' },
      }),
      signedExchange('https://chatgpt.com/connector_platform_oauth_redirect'),
      token(refreshForm({ resource: '{server}', ...assertion })),
    ],
  },
  {
    id: 'chatgpt-connector',
    section: '4.4',
    clients: ['chatgpt'],
    quirk: 'has a document and a redirect of its own for each connector',
    answer: 'each is a client of its own',
    since: '0.1.0',
    hosted: [
      hosting('https://chatgpt.com/oauth/kDmjx77UnKOM/client.json', {
        ...chatgpt,
        redirect_uris: ['https://chatgpt.com/connector/oauth/kDmjx77UnKOM'],
      }),
      keys,
    ],
    steps: [
      visit(at('https://chatgpt.com/connector/oauth/kDmjx77UnKOM'), { consent: ['published by chatgpt.com'] }),
      signedExchange('https://chatgpt.com/connector/oauth/kDmjx77UnKOM'),
      visit(at('https://chatgpt.com/connector/oauth/other'), mismatch),
    ],
  },
  {
    id: 'codex-document',
    section: '4.4',
    clients: ['codex'],
    quirk: 'lists both loopback names without a port, on the host of ChatGPT',
    answer: 'any port, exact path; the page names the host that published it',
    since: '0.1.0',
    hosted: [
      hosting('https://chatgpt.com/oauth/codex/client.json', {
        ...none,
        client_name: 'Codex',
        redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
      }),
    ],
    steps: [
      visit(at('http://127.0.0.1:41299/callback'), { consent: ['Codex', 'published by chatgpt.com'] }),
      exchange('http://127.0.0.1:41299/callback'),
      visit(at('http://127.0.0.1:41299/callback/6f1c2a'), mismatch),
    ],
  },
  {
    id: 'vscode-document',
    section: '4.4',
    clients: ['vscode'],
    quirk: 'lists a loopback redirect that ends in a slash and one on vscode.dev, with a logo on another host',
    answer: 'both work, also that of the Insiders build; no logo is ever fetched',
    since: '0.1.0',
    hosted: [
      hosting('https://vscode.dev/oauth/client-metadata.json', {
        ...none,
        client_name: 'Visual Studio Code',
        client_uri: 'https://vscode.dev/product',
        logo_uri: 'https://code.visualstudio.com/assets/images/code-stable.png',
        application_type: 'native',
        redirect_uris: [
          'http://127.0.0.1:33418/',
          'https://vscode.dev/redirect',
          'https://insiders.vscode.dev/redirect',
        ],
      }),
    ],
    steps: [
      visit(at('http://127.0.0.1:51999/'), { consent: ['Visual Studio Code', 'published by vscode.dev'] }),
      exchange('http://127.0.0.1:51999/'),
      visit({ ...at('https://insiders.vscode.dev/redirect'), state: 'MTIzNDU2Nzg5MDEyMzQ1Njc4' }),
      exchange('https://insiders.vscode.dev/redirect'),
      visit(at('http://127.0.0.1:33418'), mismatch),
    ],
  },
  {
    id: 'opencode-document',
    section: '4.4',
    clients: ['opencode'],
    quirk: 'lists /callback in its document and once called back on another path',
    answer: 'the listed path works on any port; another one is a page that says what differs',
    since: '0.1.0',
    hosted: [
      hosting('https://opencode.ai/oauth/client.json', {
        ...none,
        client_name: 'OpenCode',
        redirect_uris: ['http://127.0.0.1/callback'],
      }),
    ],
    steps: [
      visit(at('http://127.0.0.1:19876/mcp/oauth/callback'), mismatch),
      visit(at('http://127.0.0.1:19876/callback'), { consent: ['published by opencode.ai'] }),
      exchange('http://127.0.0.1:19876/callback'),
    ],
  },
]
