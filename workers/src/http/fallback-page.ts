import { answerWithJson } from './errors.ts'
import type { AnswerMissing } from './fallback.ts'
import { deadEnd } from './page-errors.tsx'

/** A page for people, JSON for programs: discovery clients probe many paths, and an HTML answer stops some of them. */
export const noPage: AnswerMissing = (missing, c) =>
  (c.req.header('accept') ?? '').includes('text/html') ? deadEnd(c, missing) : answerWithJson(missing, c)
