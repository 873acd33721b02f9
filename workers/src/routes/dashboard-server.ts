import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import {
  dashboardCaller,
  dashboardTicket,
  doneOf,
  filterOf,
  type OwnServer,
  ownerFrame,
  ownServer,
  refusedOnPage,
} from '../http/dashboard.ts'
import { serverActs } from '../http/dashboard-acts.ts'
import { proveAndCheck } from '../http/dashboard-proof.ts'
import { readFormPost } from '../http/form-post.ts'
import { htmlAnswer } from '../http/html.ts'
import { serverIdOf } from '../http/management-path.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { clockOf } from '../http/person.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { AuthorizationsPage } from '../pages/dashboard-authorizations.tsx'
import { ClientsPage } from '../pages/dashboard-clients.tsx'
import { EventsPage } from '../pages/dashboard-events.tsx'
import { KeysPage } from '../pages/dashboard-keys.tsx'
import type { ServerFrame } from '../pages/dashboard-parts.tsx'
import { OverviewPage } from '../pages/dashboard-server.tsx'
import { UsagePage } from '../pages/dashboard-usage.tsx'
import { WebhooksPage } from '../pages/dashboard-webhooks.tsx'
import { refused } from '../protocol/errors.ts'
import {
  keysQuery,
  parseAuthorizationsQuery,
  parseEventsQuery,
  parsePageQuery,
  parseUsageQuery,
} from '../protocol/paging.ts'
import { isReason } from '../protocol/reasons.ts'
import { describeVerification } from '../protocol/server-description.ts'
import { listClientRules } from '../store/client-rules.ts'
import { listKeys } from '../store/keys.ts'
import {
  listAuthorizations,
  listServerConnections,
  listServerEvents,
  readServerUsage,
  type ServerEventRow,
} from '../store/server-activity.ts'
import { listWebhooks } from '../store/webhooks.ts'

type Show = (c: Context<AppEnv>, server: OwnServer, secret?: string) => Promise<Response>

const tabs: Readonly<Record<string, Show>> = {
  '': overview,
  keys,
  clients,
  usage,
  authorizations,
  events,
  webhooks,
}

/** One server of an owner, page by page; what its forms ask for is done by the functions of /api. */
export const dashboardServerRoute = new Hono<AppEnv>()
  .get('/dashboard/servers/:server_id', show)
  .get('/dashboard/servers/:server_id/:tab', show)
  .post('/dashboard/servers/:server_id', rateLimit('RATE_API', 'dashboard'), act)
  .post('/dashboard/servers/:server_id/:tab', rateLimit('RATE_API', 'dashboard'), act)
  .onError(answerWithPage)

function tabOf(c: Context<AppEnv>): Show {
  const tab = c.req.param('tab') ?? ''
  const page = Object.hasOwn(tabs, tab) ? tabs[tab] : undefined
  if (page === undefined) throw refused('not_found')
  return page
}

async function show(c: Context<AppEnv>): Promise<Response> {
  const page = tabOf(c)
  const server = await ownServer(c, serverIdOf(c))
  return server instanceof Response ? server : page(c, server)
}

async function act(c: Context<AppEnv>): Promise<Response> {
  const page = tabOf(c)
  const post = await readFormPost(c, 'dashboard')
  if (post instanceof Response) return post
  const server_id = serverIdOf(c)
  const name = post.fields.get('act') ?? ''
  if (name === 'verify' || name === 'check') return lookAgain(c, server_id, name)
  const asked = Object.hasOwn(serverActs, name) ? serverActs[name] : undefined
  if (asked === undefined) throw refused('form_malformed')
  const caller = await dashboardCaller(c, asked.freshness)
  const made = await asked.run(c, { server_id, caller, fields: post.fields })
  if (made.outcome === 'gone') return c.redirect('/dashboard?done=deleted', 303)
  if (made.outcome === 'done') return c.redirect(`${c.req.path}?done=${made.done}`, 303)
  if (made.outcome !== 'made') return refusedOnPage(c, made, 'server_not_found')
  // Not redirected: the secret is in this answer and nowhere else.
  const server = await ownServer(c, server_id)
  return server instanceof Response ? server : page(c, server, made.secret)
}

async function frame(c: Context<AppEnv>, server: OwnServer): Promise<ServerFrame> {
  const frame = ownerFrame(c, server.viewer_email)
  return { frame, clock: clockOf(c), ticket: await dashboardTicket(c), server, done: doneOf(c) }
}

async function overview(c: Context<AppEnv>, server: OwnServer): Promise<Response> {
  const proof = describeVerification(server, c.var.config)
  return htmlAnswer(c, OverviewPage({ ...(await frame(c, server)), proof, checks: [] }))
}

/** Tries the proof, or looks from outside, and shows the page with what was seen. */
async function lookAgain(c: Context<AppEnv>, server_id: string, what: 'verify' | 'check'): Promise<Response> {
  const before = await ownServer(c, server_id)
  if (before instanceof Response) return before
  const looked = await proveAndCheck(c, before, what)
  const server = await ownServer(c, server_id)
  if (server instanceof Response) return server
  const proof = describeVerification(server, c.var.config)
  return htmlAnswer(c, OverviewPage({ ...(await frame(c, server)), proof, ...looked }))
}

async function keys(c: Context<AppEnv>, server: OwnServer, secret?: string): Promise<Response> {
  const args = { p_server_id: server.server_id, p_caller: await dashboardCaller(c) }
  const listed = await listKeys(c.var.store, { ...args, ...parsePageQuery(filterOf(c), keysQuery) })
  if (listed.outcome !== 'found') return refusedOnPage(c, listed, 'server_not_found')
  const { issuer } = c.var.config
  return htmlAnswer(c, KeysPage({ ...(await frame(c, server)), keys: listed.keys, next: listed.next, secret, issuer }))
}

async function clients(c: Context<AppEnv>, server: OwnServer): Promise<Response> {
  const args = { p_server_id: server.server_id, p_caller: await dashboardCaller(c) }
  const [rules, connections] = await Promise.all([
    listClientRules(c.var.store, args),
    listServerConnections(c.var.store, { ...args, ...parsePageQuery(filterOf(c)) }),
  ])
  if (rules.outcome !== 'found') return refusedOnPage(c, rules, 'server_not_found')
  if (connections.outcome !== 'found') return refusedOnPage(c, connections, 'server_not_found')
  const view = { rules: rules.rules, connections: connections.connections, next: connections.next }
  return htmlAnswer(c, ClientsPage({ ...(await frame(c, server)), ...view }))
}

async function usage(c: Context<AppEnv>, server: OwnServer): Promise<Response> {
  const p_caller = await dashboardCaller(c)
  const asked = { ...parseUsageQuery(new URLSearchParams(), c.var.clock()), p_limit: 1_000 }
  const read = await readServerUsage(c.var.store, { p_server_id: server.server_id, p_caller, ...asked })
  if (read.outcome !== 'found') return refusedOnPage(c, read, 'server_not_found')
  return htmlAnswer(c, UsagePage({ ...(await frame(c, server)), days: read.days, from: asked.p_from }))
}

/** An event, and whether its reason is one of the errors that are explained. */
function explained(event: ServerEventRow) {
  return { ...event, isExplained: event.reason !== undefined && isReason(event.reason) }
}

async function authorizations(c: Context<AppEnv>, server: OwnServer): Promise<Response> {
  const args = { p_server_id: server.server_id, p_caller: await dashboardCaller(c) }
  const asked = parseAuthorizationsQuery(filterOf(c))
  const found = await listAuthorizations(c.var.store, { ...args, ...asked, p_limit: Math.min(asked.p_limit, 20) })
  if (found.outcome !== 'found') return refusedOnPage(c, found, 'server_not_found')
  const listed = found.authorizations.map((one) => ({ ...one, steps: one.steps.map(explained) }))
  const view = { authorizations: listed, reference: asked.p_reference ?? undefined, next: found.next }
  return htmlAnswer(c, AuthorizationsPage({ ...(await frame(c, server)), ...view }))
}

async function events(c: Context<AppEnv>, server: OwnServer): Promise<Response> {
  const args = { p_server_id: server.server_id, p_caller: await dashboardCaller(c) }
  const asked = parseEventsQuery(filterOf(c))
  const happened = await listServerEvents(c.var.store, { ...args, ...asked })
  if (happened.outcome !== 'found') return refusedOnPage(c, happened, 'server_not_found')
  const view = { filter: asked.p_filter, events: happened.events.map(explained), next: happened.next }
  return htmlAnswer(c, EventsPage({ ...(await frame(c, server)), ...view }))
}

async function webhooks(c: Context<AppEnv>, server: OwnServer, secret?: string): Promise<Response> {
  const listed = await listWebhooks(c.var.store, { p_server_id: server.server_id, p_caller: await dashboardCaller(c) })
  if (listed.outcome !== 'found') return refusedOnPage(c, listed, 'server_not_found')
  return htmlAnswer(c, WebhooksPage({ ...(await frame(c, server)), webhooks: listed.webhooks, secret }))
}
