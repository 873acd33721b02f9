import type { LogLine, RequestLine } from './log.ts'

/** What somebody should look at when there is more of it than usual (SECURITY, what to alert on). */
export const alarms = [
  'code_replayed',
  'refresh_reused',
  'pkce_failed',
  'key_refused',
  'email_code_failed',
  'document_unavailable',
  'rate_limited',
  'store_unavailable',
  'server_error',
  'email_not_sent',
  'job_failed',
] as const

export type Alarm = (typeof alarms)[number]

const alarmsOfReasons: ReadonlyMap<string, Alarm> = new Map([
  ['code_replayed', 'code_replayed'],
  ['refresh_reused', 'refresh_reused'],
  ['verifier_mismatch', 'pkce_failed'],
  ['key_unknown', 'key_refused'],
  ['key_revoked', 'key_refused'],
  ['key_expired', 'key_refused'],
  ['server_mismatch', 'key_refused'],
  ['email_code_wrong', 'email_code_failed'],
  ['email_code_exhausted', 'email_code_failed'],
  ['email_code_limited', 'email_code_failed'],
  ['client_document_unavailable', 'document_unavailable'],
  ['client_keys_unavailable', 'document_unavailable'],
  ['rate_limited', 'rate_limited'],
  ['connection_limited', 'rate_limited'],
  ['store_unavailable', 'store_unavailable'],
  ['store_read_only', 'store_unavailable'],
  ['schema_older', 'store_unavailable'],
])

/** The alarm that a line belongs to, if any. */
export function alarmOf(line: LogLine): Alarm | undefined {
  if ('job' in line) return line.level === 'error' ? 'job_failed' : undefined
  if ('route' in line) return alarmOfRequest(line)
  return line.reason
}

function alarmOfRequest({ reason, status }: RequestLine): Alarm | undefined {
  const known = reason === undefined ? undefined : alarmsOfReasons.get(reason)
  return known ?? (status >= 500 ? 'server_error' : undefined)
}
