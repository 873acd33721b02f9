import type { Hono } from 'hono'
import type { AppEnv } from './context.ts'
import type { Dependencies } from './dependencies.ts'
import { openCors } from './http/cors.ts'
import { answerWithJson } from './http/errors.ts'
import { newApp } from './new-app.ts'
import { healthRoute } from './routes/health.ts'
import { introspectRoute } from './routes/introspect.ts'
import { metadataRoute } from './routes/metadata.ts'
import { metricsRoute } from './routes/metrics.ts'
import { registerRoute } from './routes/register.ts'
import { revokeRoute } from './routes/revoke.ts'
import { tokenRoute } from './routes/token.ts'
import { userinfoRoute } from './routes/userinfo.ts'

/** What MCP clients and MCP servers call, with no person before a screen. */
export function createAppForClients(dependencies: Dependencies): Hono<AppEnv> {
  const app = newApp(dependencies, answerWithJson)
  app.use('/.well-known/*', openCors('GET, HEAD'))
  app.use('/register', openCors('POST'))
  app.use('/token', openCors('POST'))
  app.use('/revoke', openCors('POST'))
  app.use('/userinfo', openCors('GET, HEAD, POST'))
  // Discovery
  app.route('/', metadataRoute)
  // Clients that register themselves
  app.route('/', registerRoute)
  // Tokens
  app.route('/', tokenRoute)
  app.route('/', revokeRoute)
  app.route('/', introspectRoute)
  app.route('/', userinfoRoute)
  // Operations
  app.route('/', healthRoute)
  app.route('/', metricsRoute)
  return app
}
