export type Variable = {
  readonly name: string
  readonly isSecret: boolean
  /** What stands in for it when it is absent; undefined: it is needed (or, for e-mail, needed by the sender). */
  readonly standard?: string
  /** Nothing stands in for it, and it may be absent all the same. */
  readonly isOptional?: true
}

/** Every variable of the Worker: docs/configuration.md is made from this table and its comments. */
export const variables = [
  /**
   * The public origin of this server, for example `https://mcp.example.com`: lower case, no trailing slash. `http`
   * only on localhost, 127.0.0.1 or [::1]; on loopback, cookies and server URLs may be http too.
   */
  { name: 'ISSUER', isSecret: false },
  /** The URL of the Supabase project; `http` only on loopback. */
  { name: 'SUPABASE_URL', isSecret: false },
  /** A JWT with `role: mcp_worker` signed for the project (least privilege), or a Supabase secret key. */
  { name: 'SUPABASE_KEY', isSecret: true },
  /**
   * Keys under which secrets are digested before they are stored: `kid:base64url(32 random bytes)`, comma-separated,
   * at most two. The first writes, each reads.
   */
  { name: 'TOKEN_PEPPERS', isSecret: true },
  /** Keys of form tokens, in the same form. Never the same key as in TOKEN_PEPPERS. */
  { name: 'COOKIE_KEYS', isSecret: true },
  /**
   * Keys that seal the ids of clients which register themselves, in the same form; the first writes. Any number: add
   * new ones and never drop an old one, or every client registered under it is unknown.
   */
  { name: 'REGISTRATION_KEYS', isSecret: true },
  /**
   * A JSON array of private EC P-256 JWKs with `kid` and `alg` `ES256`, newest first. `"status":"next"` publishes a
   * key before it is used.
   */
  { name: 'SIGNING_KEYS', isSecret: true },
  /** The one header that holds the address of the caller; whoever stands in front of this server must set it. */
  { name: 'CLIENT_ADDRESS_HEADER', isSecret: false, standard: 'CF-Connecting-IP' },
  /**
   * The header that names the country of the caller, for lists of sessions and connections; where nobody sets it, none
   * is shown.
   */
  { name: 'CLIENT_COUNTRY_HEADER', isSecret: false, standard: 'CF-IPCountry' },
  /**
   * Who carries mail: `resend`, `cloudflare` (a `send_email` binding of the name EMAIL, with a sender address of a domain
   * that is set up for sending) or `webhook`.
   */
  { name: 'EMAIL_SENDER', isSecret: false },
  /** The sender of mail, for `resend` and `cloudflare`: `Name <address>`. */
  { name: 'EMAIL_FROM', isSecret: false },
  /** The API key, for `resend`. */
  { name: 'RESEND_API_KEY', isSecret: true },
  /** Where mail is posted as JSON, for `webhook`; `http` only on loopback. */
  { name: 'EMAIL_WEBHOOK_URL', isSecret: false },
  /** The bearer token of these posts, for `webhook`; at least 32 characters. */
  { name: 'EMAIL_WEBHOOK_SECRET', isSecret: true },
  /**
   * Other places where people may sign in, as a JSON array. An OpenID Connect provider (Google, a Supabase project, any other) is
   * a row `{"id":"google","name":"Google","issuer":"https://accounts.google.com","client_id":"…","client_secret":"…"}`; GitHub is
   * `{"kind":"github","id":"github","name":"GitHub","client_id":"…","client_secret":"…"}`, for GitHub Enterprise with `issuer` and
   * `api_url`. The redirect URI to register there is `ISSUER/sign-in/callback/ID`. The first time, a code by e-mail to the address
   * that the provider has verified links the two accounts.
   */
  { name: 'IDENTITY_PROVIDERS', isSecret: true, standard: '[]' },
  /** The private-use URI schemes of native applications that redirect URIs may have, comma-separated. */
  { name: 'PRIVATE_USE_SCHEMES', isSecret: false, standard: 'cursor,vscode,vscode-insiders' },
  /** Whether clients may register themselves: `on` or `off`. Ids that were given out before stay valid. */
  { name: 'REGISTRATION', isSecret: false, standard: 'on' },
  /**
   * Origins to which clients described on another origin may redirect, comma-separated: `origin of the document>origin
   * of the redirect`, or `none`. A row says that both belong to one publisher: the redirect counts as proven, so consent
   * may be remembered for it and errors go there by themselves. Never name an origin where others can receive codes.
   */
  {
    name: 'REDIRECT_EXCEPTIONS',
    isSecret: false,
    standard:
      'https://claude.ai>https://claude.com,https://vscode.dev>https://insiders.vscode.dev,https://insiders.vscode.dev>https://vscode.dev',
  },
  /**
   * A DNS-over-HTTPS resolver (JSON form) that checks the addresses of document hosts before they are called.
   * Without it the runtime alone keeps requests on the public network.
   */
  { name: 'DNS_RESOLVER_URL', isSecret: false, isOptional: true },
  /**
   * For development: `on` reads metadata documents, keys and proofs from loopback hosts as well, `http` too, but never
   * from this server, its database or its mailbox. Only where the issuer is on loopback.
   */
  { name: 'DOCUMENTS_ALLOW_LOOPBACK', isSecret: false, standard: 'off' },
  /** A JSON object that overrides single limits. */
  { name: 'LIMITS', isSecret: false, standard: '{}' },
  /** A JSON object that overrides single lifetimes, in seconds. */
  { name: 'LIFETIMES', isSecret: false, standard: '{}' },
  /** A JSON object that overrides how long single kinds of ended things are kept, in seconds. */
  { name: 'RETENTION', isSecret: false, standard: '{}' },
  /**
   * The bearer token for `GET /metrics`, at least 32 characters ([monitoring](monitoring.md)). Without it nothing is counted and the
   * endpoint is not there.
   */
  { name: 'METRICS_TOKEN', isSecret: true, isOptional: true },
  /** What this server calls itself on pages and in mail. */
  { name: 'SERVICE_NAME', isSecret: false, standard: 'Auth-Agent MCP' },
] as const satisfies readonly Variable[]
