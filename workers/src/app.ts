import { Hono } from 'hono'
import type { AppEnv } from './context.ts'
import type { Dependencies } from './dependencies.ts'
import { openCors } from './http/cors.ts'
import { answerWithJson } from './http/errors.ts'
import { noRoute } from './http/fallback.ts'
import { securityHeaders } from './http/headers.ts'
import { issuerHostOnly } from './http/host.ts'
import { observe } from './http/observe.ts'
import { apiKeysRoute } from './routes/api-keys.ts'
import { apiServersRoute } from './routes/api-servers.ts'
import { apiVerifyRoute } from './routes/api-verify.ts'
import { authorizeRoute } from './routes/authorize.ts'
import { consentRoute } from './routes/consent.ts'
import { errorsRoute } from './routes/errors.ts'
import { healthRoute } from './routes/health.ts'
import { homeRoute } from './routes/home.ts'
import { introspectRoute } from './routes/introspect.ts'
import { metadataRoute } from './routes/metadata.ts'
import { registerRoute } from './routes/register.ts'
import { revokeRoute } from './routes/revoke.ts'
import { signInRoute } from './routes/sign-in.ts'
import { signInCodeRoute } from './routes/sign-in-code.ts'
import { signOutRoute } from './routes/sign-out.ts'
import { tokenRoute } from './routes/token.ts'
import { userinfoRoute } from './routes/userinfo.ts'

/** Table of contents: every route, in order (HTTP-API.md). */
export function createApp(dependencies: Dependencies): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.onError(answerWithJson)
  app.notFound(noRoute(app))

  app.use(observe(dependencies), securityHeaders, issuerHostOnly)
  app.use('/.well-known/*', openCors('GET, HEAD'))
  app.use('/register', openCors('POST'))
  app.use('/token', openCors('POST'))
  app.use('/revoke', openCors('POST'))
  app.use('/userinfo', openCors('GET, HEAD, POST'))

  // Discovery
  app.route('/', metadataRoute)
  // Authorization, for people
  app.route('/', authorizeRoute)
  app.route('/', signInRoute)
  app.route('/', signInCodeRoute)
  app.route('/', consentRoute)
  app.route('/', signOutRoute)
  // Clients that register themselves
  app.route('/', registerRoute)
  // Tokens, for programs
  app.route('/', tokenRoute)
  app.route('/', revokeRoute)
  app.route('/', introspectRoute)
  app.route('/', userinfoRoute)
  // Server management
  app.route('/', apiServersRoute)
  app.route('/', apiKeysRoute)
  app.route('/', apiVerifyRoute)
  // Pages and operations
  app.route('/', homeRoute)
  app.route('/', errorsRoute)
  app.route('/', healthRoute)
  return app
}
