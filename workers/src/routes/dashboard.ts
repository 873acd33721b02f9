import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { newServerId } from '../crypto/random.ts'
import { dashboardCaller, dashboardTicket, doneOf, filterOf, ownerFrame, refusedOnPage } from '../http/dashboard.ts'
import { secondsOf } from '../http/dashboard-fields.ts'
import { readFormPost } from '../http/form-post.ts'
import { htmlAnswer } from '../http/html.ts'
import { repeatableForm } from '../http/idempotency.ts'
import { makePersonalToken } from '../http/owner-creations.ts'
import { tellOwner } from '../http/owner-mail.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { clockOf } from '../http/person.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { initialStatus } from '../http/server-verification.ts'
import { DashboardPage } from '../pages/dashboard.tsx'
import { TokensPage } from '../pages/dashboard-tokens.tsx'
import { refused } from '../protocol/errors.ts'
import { parsePersonalTokenRequest } from '../protocol/owner-requests.ts'
import { parsePageQuery, tokensQuery } from '../protocol/paging.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { parseServerRegistration } from '../protocol/server-registration.ts'
import { acceptServer, declineServer, listOffers } from '../store/offers.ts'
import { listPersonalTokens, revokePersonalToken } from '../store/personal-tokens.ts'
import { listServers, registerServer } from '../store/servers.ts'

/** An owner's servers, what is offered, and personal tokens (HTTP-API "Pages"). */
export const dashboardRoute = new Hono<AppEnv>()
  .get('/dashboard', showServers)
  .post('/dashboard', rateLimit('RATE_API', 'dashboard'), act)
  .get('/dashboard/tokens', (c) => showTokens(c))
  .post('/dashboard/tokens', rateLimit('RATE_API', 'dashboard'), actOnToken)
  .onError(answerWithPage)

/** An owner has 20 servers at most; of what is offered the newest are enough. */
const all = { p_before: null, p_limit: 100 }

async function showServers(c: Context<AppEnv>): Promise<Response> {
  const p_caller = await dashboardCaller(c)
  const [listed, offered] = await Promise.all([
    listServers(c.var.store, { p_caller, ...all }),
    listOffers(c.var.store, { p_caller, ...all }),
  ])
  if (listed.outcome !== 'found') return refusedOnPage(c, listed, 'server_not_found')
  if (offered.outcome !== 'found') return refusedOnPage(c, offered, 'offer_not_found')
  const page = DashboardPage({
    frame: ownerFrame(c, listed.viewer_email),
    ticket: await dashboardTicket(c),
    servers: listed.servers,
    offers: offered.offers,
    done: doneOf(c),
  })
  return htmlAnswer(c, page)
}

async function act(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'dashboard')
  if (post instanceof Response) return post
  switch (post.fields.get('act')) {
    case 'register':
      return register(c, post.fields)
    case 'accept':
      return accept(c, post.fields)
    case 'decline':
      return decline(c, post.fields)
    default:
      throw refused('form_malformed')
  }
}

async function register(c: Context<AppEnv>, fields: Parameters): Promise<Response> {
  const { config, store, requestFacts } = c.var
  const asked = {
    server_url: fields.get('url') ?? '',
    server_name: fields.get('name') ?? '',
    scopes: [fields.get('scope') ?? ''],
  }
  const registration = parseServerRegistration(asked, config)
  const registered = await registerServer(store, {
    p_server_id: newServerId(),
    p_server: registration,
    p_status: initialStatus(config, registration.server_url),
    p_management: null,
    p_caller: await dashboardCaller(c),
    p_limits: { servers: config.limits.servers, writes_per_hour: config.limits.writes_per_hour },
    p_idempotency: null,
    p_request: requestFacts,
  })
  if (registered.outcome === 'server_url_taken') throw refused('server_url_taken')
  if (registered.outcome === 'idempotency_mismatch') throw refused('idempotency_key_reused')
  if (registered.outcome !== 'registered') return refusedOnPage(c, registered, 'server_not_found')
  return c.redirect(`/dashboard/servers/${registered.server.server_id}?done=registered`, 303)
}

async function accept(c: Context<AppEnv>, fields: Parameters): Promise<Response> {
  const { limits } = c.var.config
  const server_id = fields.get('id') ?? ''
  const accepted = await acceptServer(c.var.store, {
    p_server_id: server_id,
    p_caller: await dashboardCaller(c, 'fresh'),
    p_revoke_keys: fields.get('revoke_keys') === 'yes',
    p_limits: { servers: limits.servers, writes_per_hour: limits.writes_per_hour },
    p_request: c.var.requestFacts,
  })
  if (accepted.outcome !== 'accepted') return refusedOnPage(c, accepted, 'offer_not_found')
  tellOwner(c, accepted.former, 'server_handed_over', { server_id })
  return c.redirect(`/dashboard/servers/${server_id}?done=accepted`, 303)
}

async function decline(c: Context<AppEnv>, fields: Parameters): Promise<Response> {
  const p_caller = await dashboardCaller(c)
  const args = { p_server_id: fields.get('id') ?? '', p_caller, p_request: c.var.requestFacts }
  const declined = await declineServer(c.var.store, args)
  if (declined.outcome !== 'declined') return refusedOnPage(c, declined, 'offer_not_found')
  return c.redirect('/dashboard?done=declined', 303)
}

async function showTokens(c: Context<AppEnv>, secret?: string): Promise<Response> {
  const page = parsePageQuery(filterOf(c), tokensQuery)
  const listed = await listPersonalTokens(c.var.store, { ...page, p_caller: await dashboardCaller(c) })
  if (listed.outcome !== 'found') return refusedOnPage(c, listed, 'personal_token_not_found')
  const { tokens, next, viewer_email } = listed
  const frame = ownerFrame(c, viewer_email)
  const ticket = await dashboardTicket(c)
  return htmlAnswer(c, TokensPage({ frame, clock: clockOf(c), ticket, tokens, next, secret, done: doneOf(c) }))
}

async function actOnToken(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'dashboard')
  if (post instanceof Response) return post
  if (post.fields.get('act') === 'create_token') return createToken(c, post.fields)
  const args = {
    p_token_id: post.fields.get('id') ?? '',
    p_caller: await dashboardCaller(c),
    p_request: c.var.requestFacts,
  }
  const revoked = await revokePersonalToken(c.var.store, args)
  if (revoked.outcome !== 'revoked') return refusedOnPage(c, revoked, 'personal_token_not_found')
  return c.redirect('/dashboard/tokens?done=revoked', 303)
}

async function createToken(c: Context<AppEnv>, fields: Parameters): Promise<Response> {
  const body = {
    name: fields.get('name') ?? '',
    scopes: fields.all('scope'),
    expires_in: secondsOf(fields.get('days')),
  }
  const request = parsePersonalTokenRequest(body)
  const caller = await dashboardCaller(c, 'fresh')
  const repeatable = await repeatableForm(c, caller, { once: fields.get('once'), body })
  const made = await makePersonalToken(c, { caller, request, repeatable })
  if (made.outcome !== 'created') return refusedOnPage(c, made, 'personal_token_not_found')
  return showTokens(c, made.secret)
}
