/** What happens before anybody is known, and so has no row that a flood could multiply (SECURITY §28). */
export const loggedEvents = ['client.registered', 'document.fetch_failed'] as const
export type LoggedEvent = (typeof loggedEvents)[number]

/** One request as one JSON line (SECURITY §29). A closed list of fields: nothing that a caller sent gets in unnamed. */
export type RequestLine = {
  readonly level: 'info' | 'warn' | 'error'
  readonly request_id: string
  readonly method: string
  /** The matched pattern, never the path or query that was asked: both may hold secrets or another's id. */
  readonly route: string
  readonly status: number
  readonly reason?: string
  readonly event?: LoggedEvent
  readonly ms: number
  readonly database_calls: number
  /** Name and message of an unexpected error, with anything that looks like one of our secrets cut out. */
  readonly cause?: string
}

/** A mail that went out after an answer, and was not taken. */
export type MailLine = {
  readonly level: 'error'
  readonly request_id: string
  readonly reason: 'email_not_sent'
  readonly cause: string
}

export const jobNames = ['clean_up', 'proof_checks', 'key_notices', 'webhooks'] as const
export type JobName = (typeof jobNames)[number]

/** One scheduled run. */
export type JobLine = {
  readonly level: 'info' | 'error'
  readonly job: JobName
  readonly ms: number
  readonly database_calls: number
  readonly rows: Readonly<Record<string, number>>
  readonly cause?: string
}

export type LogLine = RequestLine | MailLine | JobLine
export type Log = (line: LogLine) => void

/** Writes to the console, which is what Workers collect; JSON escapes line breaks and ANSI codes (M14). */
export const logToConsole: Log = (line) => {
  console.log(JSON.stringify(line))
}

const secretShape =
  /\b(?:mac|mrt|sk|smt|dcr|dcs|pat|whsec)_[A-Za-z0-9._+/=-]{8,}|\beyJ[A-Za-z0-9._-]{8,}|\b[\w.+-]+@[\w.-]+\b/g

/** An unexpected error in at most 500 characters, without stack, tokens or e-mail addresses (M2). */
export function describeCause(cause: unknown): string {
  const text = cause instanceof Error ? withCauses(cause, 0) : messageOf(cause)
  return text.replaceAll(secretShape, '[cut]').slice(0, 500)
}

function withCauses(error: Error, depth: number): string {
  const own = `${error.name}: ${error.message}`
  return error.cause === undefined || depth > 2 ? own : `${own}; caused by ${causeOf(error.cause, depth)}`
}

function causeOf(cause: unknown, depth: number): string {
  return cause instanceof Error ? withCauses(cause, depth + 1) : messageOf(cause)
}

/** PostgREST's errors are plain objects. */
function messageOf(cause: unknown): string {
  const isTold = typeof cause === 'object' && cause !== null && 'message' in cause && typeof cause.message === 'string'
  return isTold ? String(cause.message) : typeof cause
}
