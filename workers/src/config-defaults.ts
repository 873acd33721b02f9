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
  /** Changes one owner may make through the API in an hour. */
  writes_per_hour: 60,
  /** How long the holder of the immediate predecessor may ask for the same refresh token again. */
  refresh_retry_seconds: 120,
  /** How often it may. */
  refresh_retries: 10,
  /** Calls to one host for documents in a minute, in one isolate. */
  document_calls_per_host: 10,
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

export type Limits = Readonly<
  Record<Exclude<keyof typeof defaultLimits, 'per_ip_hour'>, number> & { per_ip_hour: number | null }
>
export type Lifetimes = Readonly<Record<keyof typeof defaultLifetimes, number>>
