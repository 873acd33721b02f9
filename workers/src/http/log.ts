/** One request as one JSON line (SECURITY §29). A closed list of fields: nothing that a caller sent gets in unnamed. */
export type RequestLine = {
  readonly level: 'info' | 'warn' | 'error'
  readonly request_id: string
  readonly method: string
  /** The matched pattern, never the path or query that was asked: both may hold secrets or another's id. */
  readonly route: string
  readonly status: number
  readonly reason?: string
  readonly ms: number
  readonly database_calls: number
  /** Name and message of an unexpected error, with anything that looks like one of our secrets cut out. */
  readonly cause?: string
}

/** One scheduled run. */
export type JobLine = {
  readonly level: 'info'
  readonly job: 'clean_up'
  readonly ms: number
  readonly database_calls: number
  readonly rows: Readonly<Record<string, number>>
}

export type LogLine = RequestLine | JobLine
export type Log = (line: LogLine) => void

/** Writes to the console, which is what Workers collect; JSON escapes line breaks and ANSI codes (M14). */
export const logToConsole: Log = (line) => {
  console.log(JSON.stringify(line))
}

const secretShape = /\b(?:mac|mrt|sk|smt|dcr|pat)_[A-Za-z0-9._-]{8,}|\beyJ[A-Za-z0-9._-]{8,}|\b[\w.+-]+@[\w.-]+\b/g

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
