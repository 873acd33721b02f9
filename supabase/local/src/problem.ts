/** An answer in the shape PostgREST gives its errors. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly details: string | null
  readonly hint: string | null
  readonly headers: Record<string, string>

  constructor(status: number, code: string, message: string, more: ProblemDetail = {}) {
    super(message)
    this.status = status
    this.code = code
    this.details = more.details ?? null
    this.hint = more.hint ?? null
    this.headers = more.headers ?? {}
  }
}

type ProblemDetail = { details?: string | null; hint?: string | null; headers?: Record<string, string> }

/** What the real thing would answer and this one doesn't; see not-imitated.ts. */
export function notImitated(status: number, sentence: string): Problem {
  return new Problem(status, 'NOT_IMITATED', sentence, { hint: 'See supabase/local/src/not-imitated.ts for the list.' })
}

const statusByCode: Readonly<Record<string, number>> = {
  '23503': 409,
  '23505': 409,
  '25006': 405,
  '42883': 404,
  '42P01': 404,
  '42P17': 500,
  '53400': 500,
  '57P01': 503,
  P0001: 400,
}

const statusByClass: Readonly<Record<string, number>> = {
  '08': 503,
  '09': 500,
  '0L': 403,
  '0P': 403,
  '25': 500,
  '28': 403,
  '2D': 500,
  '38': 500,
  '39': 500,
  '3B': 500,
  '40': 500,
  '53': 503,
  '54': 500,
  '55': 500,
  '57': 500,
  '58': 500,
  F0: 500,
  HV: 500,
  P0: 500,
  XX: 500,
}

/** Turns whatever a call threw into PostgREST's answer (its table of SQLSTATE to HTTP status). */
export function problemOf(error: unknown, role: string | undefined): Problem {
  if (error instanceof Problem) return error
  const code = memberOf(error, 'code')
  if (error instanceof Error && code?.length === 5) {
    return new Problem(statusOf(code, role), code, error.message, {
      details: memberOf(error, 'detail') ?? null,
      hint: memberOf(error, 'hint') ?? null,
    })
  }
  return new Problem(503, 'PGRST000', 'Database connection error. Retrying the connection.')
}

function statusOf(code: string, role: string | undefined): number {
  // PostgREST asks the anonymous to sign in and forbids everybody else.
  if (code === '42501') return role === undefined || role === 'anon' ? 401 : 403
  const chosen = /^PT(\d{3})$/.exec(code)?.[1]
  if (chosen !== undefined) return Number(chosen)
  return statusByCode[code] ?? statusByClass[code.slice(0, 2)] ?? 400
}

function memberOf(error: unknown, name: 'code' | 'detail' | 'hint'): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : undefined
}
