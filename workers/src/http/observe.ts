import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { AppEnv } from '../context.ts'
import type { Dependencies } from '../dependencies.ts'
import { withCallHook } from '../store/client.ts'
import { clientAddress } from './client-address.ts'
import { clientCountry } from './client-country.ts'
import { describeCause, type LoggedEvent } from './log.ts'
import { newRequestId } from './request-id.ts'

/**
 * The outermost layer: gives the handlers their dependencies, counts database calls, and writes the one log line.
 * The store is wrapped for each request, so that nothing of one request is ever seen by another (M9).
 */
export function observe(dependencies: Dependencies): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startedMs = dependencies.clock()
    const databaseCalls: string[] = []
    provide(c, dependencies, databaseCalls)
    introduce(c, dependencies)
    await next()
    c.res.headers.set('X-Request-Id', c.get('requestId'))
    writeLine(c, dependencies.clock() - startedMs, databaseCalls.length)
  }
}

function provide(c: Context<AppEnv>, dependencies: Dependencies, databaseCalls: string[]): void {
  c.set('config', dependencies.config)
  c.set('keys', dependencies.keys)
  c.set('seal', dependencies.seal)
  c.set('clientDocuments', dependencies.clientDocuments)
  c.set('keySets', dependencies.keySets)
  c.set('readServerProof', dependencies.readServerProof)
  c.set('checkServer', dependencies.checkServer)
  c.set('callWebhook', dependencies.callWebhook)
  c.set('strangerUrlProblem', dependencies.strangerUrlProblem)
  c.set('readSwitches', dependencies.readSwitches)
  c.set('signIn', dependencies.signIn)
  c.set('providers', dependencies.providers)
  c.set('sendEmail', dependencies.sendEmail)
  c.set('clock', dependencies.clock)
  c.set('log', dependencies.log)
  c.set('counts', dependencies.counts)
  c.set(
    'store',
    withCallHook(dependencies.store, (name) => databaseCalls.push(name)),
  )
}

function introduce(c: Context<AppEnv>, { config }: Dependencies): void {
  const address = clientAddress(c.req.header(config.clientAddressHeader))
  // Control characters would pass through the database into whatever shows the events (M14); half a character, which the cut
  // may leave, would not even get there.
  const userAgent = c.req.header('user-agent')?.slice(0, 256).replaceAll(/\p{C}/gu, '')
  const country = clientCountry(c.req.header(config.clientCountryHeader))
  const requestId = newRequestId()
  c.set('requestId', requestId)
  c.set('requestFacts', {
    request_id: requestId,
    ...(address !== undefined && { ip: address }),
    ...(userAgent !== undefined && userAgent !== '' && { user_agent: userAgent }),
    ...(country !== undefined && { country }),
  })
  // Everything on a developer's machine comes from one address (SECURITY.md, Limits).
  c.set('limitAddress', config.issuerIsLoopback ? undefined : address)
}

/** Refusals that are events by themselves. */
const eventsOfReasons: ReadonlyMap<string, LoggedEvent> = new Map([
  ['client_document_unavailable', 'document.fetch_failed'],
  ['client_keys_unavailable', 'document.fetch_failed'],
])

function writeLine(c: Context<AppEnv>, ms: number, databaseCalls: number): void {
  // One by one: `c.var` copies all of them at each use.
  const reason = c.get('reason')
  const cause = c.get('cause')
  const event = c.get('event') ?? (reason !== undefined ? eventsOfReasons.get(reason) : undefined)
  const { status } = c.res
  const pattern = routePath(c, -1)
  c.get('log')({
    level: status >= 500 ? 'error' : cause === undefined ? 'info' : 'warn',
    request_id: c.get('requestId'),
    method: c.req.method,
    route: pattern === '*' || pattern === '/*' ? 'none' : pattern,
    status,
    ...(reason !== undefined && { reason }),
    ...(event !== undefined && { event }),
    ms,
    database_calls: databaseCalls,
    ...(cause !== undefined && { cause: describeCause(cause) }),
  })
}
