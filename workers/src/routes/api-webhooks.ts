import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { readRepeatable, tellReplay } from '../http/idempotency.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { messageIdOf, serverIdOf, webhookIdOf } from '../http/management-path.ts'
import { checkWebhookUrl, makeWebhook } from '../http/owner-creations.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { describeWebhook } from '../protocol/activity-description.ts'
import { parseWebhookRequest } from '../protocol/webhook-request.ts'
import { deleteWebhook, listWebhooks, replayWebhookMessage } from '../store/webhooks.ts'

/** Where an owner wants to be told of what happens (HTTP-API "Webhooks"; Standard Webhooks 1.0). */
export const apiWebhooksRoute = new Hono<AppEnv>()
  .post('/api/servers/:server_id/webhooks', rateLimit('RATE_API'), create)
  .get('/api/servers/:server_id/webhooks', list)
  .delete('/api/servers/:server_id/webhooks/:webhook_id', rateLimit('RATE_API'), remove)
  .post('/api/servers/:server_id/webhooks/:webhook_id/messages/:message_id', rateLimit('RATE_API'), replay)

async function ofServer(c: Context<AppEnv>) {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  return { p_server_id: serverIdOf(c), p_caller }
}

async function create(c: Context<AppEnv>): Promise<Response> {
  const { p_server_id: server_id, p_caller: caller } = await ofServer(c)
  const body = await readJsonBody(c)
  const request = parseWebhookRequest(body)
  checkWebhookUrl(c, request.url)
  const repeatable = await readRepeatable(c, caller, body)
  const made = await makeWebhook(c, { server_id, caller, request, repeatable })
  if (made.outcome !== 'created') throw await callerRefused(c, made, 'server_not_found')
  tellReplay(c, made.replayed)
  return c.json({ ...describeWebhook(made.webhook), secret: made.secret }, 201)
}

async function list(c: Context<AppEnv>): Promise<Response> {
  const found = await listWebhooks(c.var.store, await ofServer(c))
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  return c.json({ webhooks: found.webhooks.map(describeWebhook) })
}

async function remove(c: Context<AppEnv>): Promise<Response> {
  const args = { ...(await ofServer(c)), p_webhook_id: webhookIdOf(c), p_request: c.var.requestFacts }
  const deleted = await deleteWebhook(c.var.store, args)
  if (deleted.outcome !== 'deleted') throw await callerRefused(c, deleted, 'webhook_not_found')
  return c.body(null, 204)
}

async function replay(c: Context<AppEnv>): Promise<Response> {
  const args = { ...(await ofServer(c)), p_webhook_id: webhookIdOf(c), p_message_id: messageIdOf(c) }
  const replayed = await replayWebhookMessage(c.var.store, args)
  if (replayed.outcome !== 'replayed') throw await callerRefused(c, replayed, 'webhook_not_found')
  return c.body(null, 202)
}
