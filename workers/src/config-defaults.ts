/** SECURITY "Limits", those that are counted in the database or decided there; LIMITS overrides single numbers. */
export const defaultLimits = {
  /** E-mail codes to one address in fifteen minutes. */
  per_address_15_minutes: 3,
  /** E-mail codes to one address in a day. */
  per_address_day: 10,
  /** E-mail codes from one IP address in an hour; off where the issuer is on loopback. */
  per_ip_hour: 10,
  /** How long an e-mail code lives. */
  code_seconds: 600,
  /** Tries for one e-mail code. */
  attempts: 5,
  /** Wrong e-mail codes for one account in a day. */
  failures_per_account_day: 50,
  /** Open authorizations of one browser; one more ends the oldest. */
  open_transactions: 10,
  /** Servers one owner may register. */
  servers: 20,
  /** Live API keys of one server. */
  keys: 10,
  /** Live personal tokens of one account. */
  personal_tokens: 10,
  /** Passkeys of one account. */
  passkeys: 20,
  /** Changes one owner may make through the API in an hour. */
  writes_per_hour: 60,
  /** How long the holder of the immediate predecessor may ask for the same refresh token again. */
  refresh_retry_seconds: 120,
  /** How often it may. */
  refresh_retries: 10,
  /** How long one call to the database may take, in milliseconds: above its own 3 s, so that what it decided is heard. */
  database_milliseconds: 5_000,
  /** Calls to one host for documents in a minute, in one isolate. */
  document_calls_per_host: 10,
  /** Calls to one provider of sign-ins in a minute, in one isolate: its people all come through it. */
  provider_calls_per_host: 600,
  /** Webhook messages to one host in a minute, in one isolate: at least as many as one run sends. */
  webhook_calls_per_host: 200,
  /** Failures of a host in a row after which it is left alone for a minute. */
  document_failures_per_host: 5,
  /** How long one document may take in all, in milliseconds. */
  document_milliseconds: 5_000,
  /** How long a document that failed is not asked for again, in seconds. */
  document_failure_seconds: 60,
  /** Documents of one kind that are remembered. */
  documents_remembered: 1_000,
} as const

/** How long things live; LIFETIMES overrides single numbers. */
export const defaultLifetimes = {
  /** From opening the sign-in page to approving. */
  transaction_seconds: 600,
  /** An authorization code. */
  code_seconds: 60,
  /** A session without a request. */
  session_idle_seconds: 43_200,
  /** A session in all. */
  session_absolute_seconds: 604_800,
  /** How old the sign-in may be at a dangerous act, such as deleting the account. */
  fresh_sign_in_seconds: 900,
  /** How long passkeys stay that are said to be lost, and an account's first one can be removed by code; 86400 to 2592000. */
  passkey_wait_seconds: 259_200,
  /** For how long lost passkeys can be removed after that, before it has to be asked for again. */
  passkey_confirm_seconds: 604_800,
  /** For how long a browser is known as one of the person's, so that no mail tells of its next sign-in. */
  device_seconds: 15_552_000,
  /** A connection without a refresh. */
  refresh_idle_seconds: 2_592_000,
  /** A connection in all. */
  refresh_absolute_seconds: 7_776_000,
  /** A connection in all, of a client that registered itself with an https redirect (SECURITY §20). */
  refresh_unverified_seconds: 604_800,
  /** A consent that needs not be asked again. */
  remembered_consent_seconds: 2_592_000,
  /** An access token, where the server has not chosen; 300 to 3600. */
  access_token_seconds: 3_600,
  /** An ID token. */
  id_token_seconds: 3_600,
} as const

/** How long what has ended is kept; RETENTION overrides single numbers. Removed by the scheduled clean-up. */
export const defaultRetention = {
  /** An authorization or sign-in that was begun. */
  transaction_seconds: 3_600,
  /** A session that has ended. */
  session_seconds: 86_400,
  /** A connection that has ended: replays of its tokens are still told from inventions. */
  connection_seconds: 2_592_000,
  /** An API key that was revoked or has expired. */
  key_seconds: 7_776_000,
  /** A server that nobody owns and whose URL nobody has proven. */
  pending_server_seconds: 1_209_600,
  /** What is left of a deleted server, so that its name is not taken over with its past. */
  tombstone_seconds: 7_776_000,
  /** An audit event; whole months are dropped. */
  audit_seconds: 34_560_000,
  /** The use of a server on one day; the name of a client goes with its last day. */
  usage_seconds: 34_560_000,
} as const

export type Retention = Readonly<Record<keyof typeof defaultRetention, number>>

export type Limits = Readonly<
  Record<Exclude<keyof typeof defaultLimits, 'per_ip_hour'>, number> & { per_ip_hour: number | null }
>
export type Lifetimes = Readonly<Record<keyof typeof defaultLifetimes, number>>
