export type Variable = {
  readonly name: string
  readonly isSecret: boolean
  /** What stands in for it when it is absent; undefined: it is needed (or, for e-mail, needed by the sender). */
  readonly standard?: string
  readonly description: string
}

/** Every variable of the Worker: docs/configuration.md is made from this table. */
export const variables = [
  {
    name: 'ISSUER',
    isSecret: false,
    description:
      'The public origin of this server, for example `https://mcp.example.com`: lower case, no trailing slash. `http` only on localhost, 127.0.0.1 or [::1]; on loopback, cookies and server URLs may be http too.',
  },
  { name: 'SUPABASE_URL', isSecret: false, description: 'The URL of the Supabase project; `http` only on loopback.' },
  {
    name: 'SUPABASE_KEY',
    isSecret: true,
    description: 'A JWT with `role: mcp_worker` signed for the project (least privilege), or a Supabase secret key.',
  },
  {
    name: 'TOKEN_PEPPERS',
    isSecret: true,
    description:
      'Keys under which secrets are digested before they are stored: `kid:base64url(32 random bytes)`, comma-separated, newest first, at most two.',
  },
  {
    name: 'COOKIE_KEYS',
    isSecret: true,
    description: 'Keys of form tokens, in the same form. Never the same key as in TOKEN_PEPPERS.',
  },
  {
    name: 'REGISTRATION_KEYS',
    isSecret: true,
    description:
      'Keys that seal the ids of clients which register themselves, in the same form, newest first. Any number: add a new one in front and never drop an old one, or every client registered under it is unknown.',
  },
  {
    name: 'SIGNING_KEYS',
    isSecret: true,
    description:
      'A JSON array of private EC P-256 JWKs with `kid` and `alg` `ES256`, newest first. `"status":"next"` publishes a key before it is used.',
  },
  {
    name: 'CLIENT_ADDRESS_HEADER',
    isSecret: false,
    standard: 'CF-Connecting-IP',
    description:
      'The one header that holds the address of the caller; whoever stands in front of this server must set it.',
  },
  { name: 'EMAIL_SENDER', isSecret: false, description: 'Who carries mail: `resend` or `webhook`.' },
  { name: 'EMAIL_FROM', isSecret: false, description: 'The sender of mail, for `resend`: `Name <address>`.' },
  { name: 'RESEND_API_KEY', isSecret: true, description: 'The API key, for `resend`.' },
  {
    name: 'EMAIL_WEBHOOK_URL',
    isSecret: false,
    description: 'Where mail is posted as JSON, for `webhook`; `http` only on loopback.',
  },
  {
    name: 'EMAIL_WEBHOOK_SECRET',
    isSecret: true,
    description: 'The bearer token of these posts, for `webhook`; at least 32 characters.',
  },
  {
    name: 'PRIVATE_USE_SCHEMES',
    isSecret: false,
    standard: 'cursor,vscode,vscode-insiders',
    description: 'The private-use URI schemes of native applications that redirect URIs may have, comma-separated.',
  },
  {
    name: 'REGISTRATION',
    isSecret: false,
    standard: 'on',
    description: 'Whether clients may register themselves: `on` or `off`. Ids that were given out before stay valid.',
  },
  {
    name: 'REDIRECT_EXCEPTIONS',
    isSecret: false,
    standard:
      'https://claude.ai>https://claude.com,https://vscode.dev>https://insiders.vscode.dev,https://insiders.vscode.dev>https://vscode.dev',
    description:
      'Origins to which clients described on another origin may redirect, comma-separated: `origin of the document>origin of the redirect`.',
  },
  {
    name: 'DNS_RESOLVER_URL',
    isSecret: false,
    description:
      'A DNS-over-HTTPS resolver (JSON form) that checks the addresses of document hosts before they are called. Optional: without it the runtime alone keeps requests on the public network.',
  },
  {
    name: 'DOCUMENTS_ALLOW_LOOPBACK',
    isSecret: false,
    standard: 'off',
    description:
      'For development: `on` reads metadata documents and proofs from loopback hosts as well. Only where the issuer is on loopback.',
  },
  { name: 'LIMITS', isSecret: false, standard: '{}', description: 'A JSON object that overrides single limits.' },
  {
    name: 'LIFETIMES',
    isSecret: false,
    standard: '{}',
    description: 'A JSON object that overrides single lifetimes, in seconds.',
  },
  {
    name: 'SERVICE_NAME',
    isSecret: false,
    standard: 'Auth-Agent MCP',
    description: 'What this server calls itself on pages and in mail.',
  },
] as const satisfies readonly Variable[]
