import type { Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { type OAuthError, refused } from '../protocol/errors.ts'
import { answerWithJson } from './errors.ts'

/** How a path that does not exist is answered. */
export type AnswerMissing = (missing: OAuthError, c: Context<AppEnv>) => Response | Promise<Response>

/** The answer where no route fits: 405 with Allow where the path exists (F23), otherwise a small 404. */
export function noRoute(
  app: Hono<AppEnv>,
  answerMissing: AnswerMissing,
): (c: Context<AppEnv>) => Response | Promise<Response> {
  // Read at the first miss and not here, because the routes are mounted later.
  let known: readonly KnownRoute[] | undefined
  return (c) => {
    known ??= knownRoutes(app)
    const methods = allowedMethods(known, c.req.path)
    if (methods.length > 0) {
      const allow = methods.join(', ')
      c.header('Allow', allow)
      return answerWithJson(refused('method_not_allowed', `This path answers ${allow} only`), c)
    }
    return answerMissing(refused('not_found'), c)
  }
}

type KnownRoute = { readonly method: string; readonly pattern: RegExp }

function knownRoutes(app: Hono<AppEnv>): readonly KnownRoute[] {
  return app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => ({ method, pattern: new RegExp(`^${path.replaceAll(/:\w+(\{.+?\})?/g, '[^/]+')}$`) }))
}

function allowedMethods(routes: readonly KnownRoute[], path: string): readonly string[] {
  const methods = new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))
  if (methods.has('GET')) methods.add('HEAD')
  return [...methods].sort()
}
