import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { changeFacts } from '../http/change-facts.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { nextOf, queryOf, serverIdOf } from '../http/management-path.ts'
import { tellOwner } from '../http/owner-mail.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { refused } from '../protocol/errors.ts'
import { parseAcceptRequest, parseOfferRequest } from '../protocol/owner-requests.ts'
import { parsePageQuery, serversQuery } from '../protocol/paging.ts'
import { describeOffer, describeServer } from '../protocol/server-description.ts'
import { acceptServer, declineServer, listOffers, offerServer } from '../store/offers.ts'

/** Servers that change hands: offered by one side, accepted or declined by the other (HTTP-API "Server management"). */
export const apiOffersRoute = new Hono<AppEnv>()
  .get('/api/offers', list)
  .put('/api/servers/:server_id/offer', rateLimit('RATE_API'), offer)
  .delete('/api/servers/:server_id/offer', rateLimit('RATE_API'), withdraw)
  .post('/api/servers/:server_id/accept', rateLimit('RATE_API'), accept)
  .post('/api/servers/:server_id/decline', rateLimit('RATE_API'), decline)

async function list(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const page = parsePageQuery(queryOf(c), serversQuery)
  const found = await listOffers(c.var.store, { ...page, p_caller: await requireCaller(c) })
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'offer_not_found')
  return c.json({ offers: found.offers.map(describeOffer), ...nextOf(found.next) })
}

async function offer(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const p_server_id = serverIdOf(c)
  const { email } = parseOfferRequest(await readJsonBody(c))
  return changeOffer(c, { p_server_id, p_caller, p_email: email, ...changeFacts(c) })
}

async function withdraw(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  return changeOffer(c, { p_server_id: serverIdOf(c), p_caller, p_email: null, ...changeFacts(c) })
}

async function changeOffer(c: Context<AppEnv>, args: Parameters<typeof offerServer>[1]): Promise<Response> {
  const changed = await offerServer(c.var.store, args)
  switch (changed.outcome) {
    case 'offered':
      tellOwner(c, changed.notice, 'server_offered', { server_id: args.p_server_id })
      return c.json(describeServer(changed.server))
    case 'withdrawn':
      return c.json(describeServer(changed.server))
    case 'own_address':
      throw refused('offer_to_owner')
    default:
      throw await callerRefused(c, changed, 'server_not_found')
  }
}

async function accept(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const { config, store, requestFacts } = c.var
  const p_caller = await requireCaller(c)
  const p_server_id = serverIdOf(c)
  const { revoke_keys } = parseAcceptRequest(await readJsonBody(c))
  const accepted = await acceptServer(store, {
    p_server_id,
    p_caller,
    p_revoke_keys: revoke_keys,
    p_limits: { servers: config.limits.servers, writes_per_hour: config.limits.writes_per_hour },
    p_request: requestFacts,
  })
  if (accepted.outcome !== 'accepted') throw await callerRefused(c, accepted, 'offer_not_found')
  tellOwner(c, accepted.former, 'server_handed_over', { server_id: p_server_id })
  return c.json(describeServer(accepted.server))
}

async function decline(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const p_server_id = serverIdOf(c)
  const declined = await declineServer(c.var.store, { p_server_id, p_caller, p_request: c.var.requestFacts })
  if (declined.outcome !== 'declined') throw await callerRefused(c, declined, 'offer_not_found')
  return c.body(null, 204)
}
