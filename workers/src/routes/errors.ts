import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { htmlAnswer } from '../http/html.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { frameOf } from '../http/transaction-pages.tsx'
import { ErrorReferencePage } from '../pages/error-reference.tsx'
import { reasons } from '../protocol/reasons.ts'

const entries = Object.entries(reasons).map(([reason, entry]) => ({
  reason,
  error: entry.error,
  status: entry.status,
  title: entry.title,
  whatHappened: entry.what_happened,
  whatToDo: entry.what_to_do,
}))

/** What `error_uri` points to (RFC 6749 §5.2). */
export const errorsRoute = new Hono<AppEnv>()
  .get('/errors', (c) => htmlAnswer(c, ErrorReferencePage({ frame: frameOf(c), reasons: entries })))
  .onError(answerWithPage)
