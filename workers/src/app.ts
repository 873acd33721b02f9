import type { Hono } from 'hono'
import { getPath } from 'hono/utils/url'
import { createAppForClients } from './app-for-clients.ts'
import type { AppEnv } from './context.ts'
import type { Dependencies } from './dependencies.ts'

export type App = {
  readonly fetch: (
    request: Request,
    bindings: AppEnv['Bindings'],
    context: ExecutionContext,
  ) => Response | Promise<Response>
}

/**
 * Two apps behind one door. What clients call at every turn is there when an isolate starts; the pages and the management
 * of servers are several times as much code, and are loaded when the isolate is first asked for one of them.
 */
export function createApp(dependencies: Dependencies): App {
  const forClients = createAppForClients(dependencies)
  const atHand = new Set(forClients.routes.filter(({ method }) => method !== 'ALL').map(({ path }) => path))
  let forPeople: Hono<AppEnv> | undefined
  // Requests that come first at the same time each load it: a promise of one request is not for another to wait for.
  const load = async (): Promise<Hono<AppEnv>> => {
    const { createAppForPeople } = await import('./app-for-people.ts')
    forPeople ??= createAppForPeople(dependencies)
    return forPeople
  }
  return {
    fetch: (request, bindings, context) => {
      const path = getPath(request)
      if (atHand.has(path) || path.startsWith('/.well-known/')) return forClients.fetch(request, bindings, context)
      return forPeople?.fetch(request, bindings, context) ?? load().then((app) => app.fetch(request, bindings, context))
    },
  }
}
