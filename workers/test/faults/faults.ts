/** One thing that goes wrong between the parts. The tests that inject it carry the id in square brackets. */
export type Fault = {
  readonly id: string
  readonly fault: string
  /** What programs and people see. */
  readonly seen: string
  /** What is not lost, or what is. */
  readonly kept: string
}

const unavailable =
  '503 with `Retry-After: 5`: `temporarily_unavailable` for programs, for people a page whose reference stands in the log'

/** docs/faults.md is made from this list. */
export const faults: readonly Fault[] = [
  {
    id: 'database_gone',
    fault: 'Nobody listens at the database or its RPC surface, or PostgreSQL is gone behind it',
    seen: unavailable,
    kept: 'Everything: no code, token, session or decision is used up, and the same request succeeds when the database is back. Nothing has to be restarted.',
  },
  {
    id: 'database_hangs_up',
    fault: 'The connection ends before an answer',
    seen: unavailable,
    kept: 'As above. A call is made once: whether to try again is the caller’s to decide, so an outage is not multiplied.',
  },
  {
    id: 'database_half_open',
    fault: 'The database, or PostgreSQL behind its surface, accepts and never answers',
    seen: `${unavailable}, after 5 s (\`LIMITS.database_milliseconds\`)`,
    kept: 'As above. The RPC surface gives up such a connection after 3.9 s, so none is held for ever and no call is done after its caller has gone.',
  },
  {
    id: 'database_half_body',
    fault: 'The answer ends, or stops, in its middle',
    seen: unavailable,
    kept: 'As above; nothing of half an answer gets into the log.',
  },
  {
    id: 'database_gateway',
    fault: 'A gateway before the database answers with a page of its own, whatever its status',
    seen: unavailable,
    kept: 'As above; nothing of the page reaches the caller.',
  },
  {
    id: 'database_slow',
    fault: 'The database takes 3 s; longer; or somebody holds the row',
    seen: `Up to 3 s the answer is waited for. A longer statement is ended by the database itself (\`statement_timeout\` 3 s, \`lock_timeout\` 1 s), before the Worker gives up: ${unavailable}`,
    kept: 'What the database ended is undone as a whole: the code is not used up, the refresh token not rotated.',
  },
  {
    id: 'database_read_only',
    fault: 'The database takes no changes: a full disk, a standby',
    seen: `Introspection, userinfo and metadata answer as ever, so MCP servers go on working. Whatever has to be written: ${unavailable}. \`/ready\` answers 503 and names the cause`,
    kept: 'Everything; uses of tokens are not counted meanwhile.',
  },
  {
    id: 'schema_differs',
    fault: 'The schema is older than this server, or lacks a function',
    seen: `\`/ready\` answers 503 and names the cause; a call that the schema does not know: ${unavailable}. A newer schema is good: migrations go first`,
    kept: 'Everything: nothing is called by halves.',
  },
  {
    id: 'answer_lost',
    fault: 'The database has done it, and its answer is lost',
    seen: unavailable,
    kept: 'A refresh gives the same successor again, ten times within two minutes: enough for whoever keeps to `Retry-After`. First page, introspection, userinfo, revocation and sending a code can be repeated. What works once only is lost whole: a spent authorization code is refused at the second try and its connection ends (RFC 6749 §4.1.2), a decision or a sign-in code was taken. A new sign-in or authorization works at once, and no half of the old one stays alive.',
  },
  {
    id: 'mail_fails',
    fault: 'Who carries mail refuses, fails, or never answers',
    seen: 'The same page as ever, at once: it tells nobody whether an address is known. The log has a line with reason `email_not_sent` and the reference',
    kept: 'The sign-in stays open: "Send a new code" works when mail does. Tokens need no mail.',
  },
  {
    id: 'sieve_fails',
    fault: 'The platform’s rate limit fails',
    seen: 'Nothing; the line has level `warn` and the cause',
    kept: 'The limits that must hold are counted in the database.',
  },
  {
    id: 'document_host_hangs',
    fault: 'The host of a client’s metadata document or keys never answers',
    seen: 'After 5 s in all (`LIMITS.document_milliseconds`) a page with a reference, no redirect; at the token endpoint 503 with `Retry-After`, never `invalid_client`. Others are served meanwhile',
    kept: 'The authorization code and what the client knows of its registration. The failure is remembered for a minute.',
  },
  {
    id: 'provider_fails',
    fault: 'Another provider of sign-ins never answers, answers 502 or with a page of its own, or hangs up',
    seen: 'After 5 s (`LIMITS.document_milliseconds`) the sign-in page again, which says that the provider did not answer. The log has a line with reason `provider_failed` and the cause',
    kept: 'The sign-in stays open: there a code by e-mail or a passkey signs in at once, and the provider when it is back. Nothing is linked by halves. Sessions, tokens and MCP servers need no provider.',
  },
  {
    id: 'clock_off',
    fault: 'The clock of the Worker, or of a client with `private_key_jwt`, is off by five minutes',
    seen: 'The Worker’s clock decides nothing about tokens, codes and sessions: that is the database’s. An assertion is refused with 401 `invalid_client`, and the description says what time it is here',
    kept: 'Code and assertion are not used up; with the right time the exchange succeeds.',
  },
  {
    id: 'isolate_evicted',
    fault: 'The isolate is gone between any two requests of a flow',
    seen: 'Nothing',
    kept: 'Everything: memory of an isolate only saves work.',
  },
  {
    id: 'keys_differ',
    fault: 'While a deployment spreads, isolates have different key sets',
    seen: 'Nothing, where a new key was first made known behind the old one, and moved to the front by the next deployment. Put in front at once, it makes isolates of before refuse what is newer with `invalid_grant`',
    kept: 'Even then nothing is ended: isolates that know the key go on with the very token.',
  },
]
