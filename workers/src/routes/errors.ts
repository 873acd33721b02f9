import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { htmlAnswer } from '../http/html.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { isRequestId } from '../http/request-id.ts'
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
  .get('/errors', (c) => {
    const reference = c.req.query('reference') ?? ''
    // Shown only when it looks like one of ours: nobody else's text gets on this page.
    const requestId = isRequestId(reference) ? reference : null
    return htmlAnswer(c, ErrorReferencePage({ frame: frameOf(c), reasons: entries, requestId }))
  })
  .onError(answerWithPage)
