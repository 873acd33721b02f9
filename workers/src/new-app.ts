import { Hono } from 'hono'
import type { AppEnv } from './context.ts'
import type { Dependencies } from './dependencies.ts'
import { answerWithJson } from './http/errors.ts'
import { type AnswerMissing, noRoute } from './http/fallback.ts'
import { securityHeaders } from './http/headers.ts'
import { issuerHostOnly } from './http/host.ts'
import { observe } from './http/observe.ts'

/** An app without a route, with what holds for every request. */
export function newApp(dependencies: Dependencies, answerMissing: AnswerMissing): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.onError(answerWithJson)
  app.notFound(noRoute(app, answerMissing))
  app.use(observe(dependencies), securityHeaders, issuerHostOnly)
  return app
}
