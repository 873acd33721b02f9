/** How a client comes to be known here, and where it wants to be sent back to: as seen on the wire or in its source. */
export type ClientEntry = {
  readonly name: string
  readonly registers: string
  readonly redirect: string
}

const documents = (url: string) => `metadata document \`${url}\``

/** The clients whose habits the table holds; docs/clients.md lists them in this order. */
export const clients = {
  claude_code: {
    name: 'Claude Code',
    registers: `${documents('https://claude.ai/oauth/claude-code-client-metadata')}; else registers itself; or \`client_claude_code\``,
    redirect: '`http://localhost:PORT/callback`, in some releases on `127.0.0.1`',
  },
  claude_ai: {
    name: 'claude.ai with Claude Desktop and Cowork',
    registers: `${documents('https://claude.ai/oauth/mcp-oauth-client-metadata')}; else registers itself, without application_type`,
    redirect: '`https://claude.ai/api/mcp/auth_callback`, the same on `claude.com`',
  },
  chatgpt: {
    name: 'ChatGPT',
    registers: `${documents('https://chatgpt.com/oauth/client.json')}, or one of its own for each connector; signs with \`private_key_jwt\``,
    redirect: '`https://chatgpt.com/connector_platform_oauth_redirect`, or `https://chatgpt.com/connector/oauth/ID`',
  },
  cursor: {
    name: 'Cursor',
    registers: 'registers itself, with three redirects of three kinds',
    redirect:
      '`http://localhost:8787/callback`, `cursor://anysphere.cursor-mcp/oauth/callback`, `https://www.cursor.com/agents/mcp/oauth/callback`',
  },
  vscode: {
    name: 'Visual Studio Code',
    registers: `${documents('https://vscode.dev/oauth/client-metadata.json')}; else registers itself`,
    redirect: '`http://127.0.0.1:33418/` or another port, `https://vscode.dev/redirect`',
  },
  copilot_cli: {
    name: 'GitHub Copilot CLI',
    registers: 'registers itself',
    redirect: '`http://127.0.0.1:PORT/`',
  },
  codex: {
    name: 'Codex',
    registers: `${documents('https://chatgpt.com/oauth/codex/client.json')}; else registers itself`,
    redirect: '`http://127.0.0.1:PORT/callback` or `http://127.0.0.1:PORT/callback/ID`',
  },
  opencode: {
    name: 'opencode',
    registers: 'registers itself, without application_type; newer releases bring a metadata document',
    redirect: '`http://127.0.0.1:19876/mcp/oauth/callback`',
  },
  gemini: {
    name: 'Gemini CLI',
    registers: 'registers itself anew each time',
    redirect: '`http://localhost:PORT/oauth/callback`',
  },
  antigravity: {
    name: 'Antigravity',
    registers: 'registers itself',
    redirect: '`https://antigravity.google/oauth-callback`',
  },
  mcp_remote: {
    name: 'mcp-remote and install-mcp',
    registers: 'registers itself; or `client_install_mcp`',
    redirect: '`http://localhost:PORT/oauth/callback`',
  },
  inspector: {
    name: 'MCP Inspector',
    registers: 'registers itself, from a web page',
    redirect: '`http://localhost:6274/oauth/callback`, with `/debug` for its guided flow',
  },
  cline: {
    name: 'Cline',
    registers: 'registers itself',
    redirect: '`vscode://saoudrizwan.claude-dev/mcp-auth/callback/HASH`',
  },
  mcporter: {
    name: 'mcporter',
    registers: 'registers itself',
    redirect: '`http://127.0.0.1:PORT/callback`',
  },
  librechat: {
    name: 'LibreChat',
    registers: 'registers itself',
    redirect: 'https, on its own host',
  },
  use_mcp: {
    name: 'use-mcp and mcp-use',
    registers: 'registers itself, from a web page, with its origin as client_uri',
    redirect: '`ORIGIN/oauth/callback`',
  },
  copilot_studio: {
    name: 'Copilot Studio',
    registers: 'registers itself',
    redirect: 'https, on hosts of Microsoft',
  },
  cloudflare: {
    name: 'MCP server portals of Cloudflare',
    registers: 'registers itself; the code is exchanged by a web page',
    redirect: 'https',
  },
  typescript_2: {
    name: '@modelcontextprotocol/client 2.4',
    registers: 'metadata document where the program has one, else registers itself',
    redirect: 'what the program says',
  },
  typescript_1: {
    name: '@modelcontextprotocol/sdk 1.32',
    registers: 'metadata document where the program has one, else registers itself, without application_type',
    redirect: 'what the program says',
  },
  python: {
    name: 'Python mcp 2.3',
    registers:
      'metadata document where the program has one, else registers itself without token_endpoint_auth_method, and so with a secret',
    redirect: 'what the program says',
  },
  oauth4webapi: {
    name: 'oauth4webapi 3.8',
    registers: 'registers itself',
    redirect: 'what the program says',
  },
  others: {
    name: 'Any other client',
    registers: 'in any of the three ways',
    redirect: 'https, `http` on loopback, or a scheme that the operator lists',
  },
} as const satisfies Record<string, ClientEntry>

export type ClientName = keyof typeof clients
