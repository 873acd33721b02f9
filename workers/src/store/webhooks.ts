import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import {
  absent,
  callerRefusals,
  type Idempotency,
  limited,
  outcome,
  type RequestFacts,
  type WriteLimits,
} from './rows.ts'
import type { Caller } from './servers.ts'

const webhookMembers = {
  webhook_id: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  created_at_seconds: z.number(),
}
const webhookRow = z.object(webhookMembers)

type OfServer = { readonly p_server_id: string; readonly p_caller: Caller | null }

export type CreateWebhookArguments = OfServer & {
  readonly p_webhook: {
    readonly webhook_id: string
    readonly url: string
    /** Of the key under which its secret is derived. */
    readonly kid: string
    readonly events: readonly string[]
  }
  readonly p_limits: WriteLimits
  readonly p_idempotency: Idempotency | null
  readonly p_request: RequestFacts
}

const createWebhookOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('created'),
    webhook: webhookRow,
    /** Of the key under which its secret is derived: of a repeated call the one it was made with. */
    kid: z.string(),
    replayed: absent(z.boolean()),
  }),
  outcome('idempotency_mismatch'),
  limited,
  ...callerRefusals,
])
export type CreateWebhookOutcome = z.infer<typeof createWebhookOutcome>

export function createWebhook(store: Store, args: CreateWebhookArguments): Promise<CreateWebhookOutcome> {
  return callFor(store, 'create_webhook', args, createWebhookOutcome)
}

const messageRow = z.object({
  message_id: z.string(),
  type: z.string(),
  created_at_seconds: z.number(),
  attempts: z.number(),
  state: z.string(),
  next_attempt_at_seconds: absent(z.number()),
  seen: absent(z.string()),
})

const listWebhooksOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('found'),
    webhooks: z.array(z.object({ ...webhookMembers, messages: z.array(messageRow) })),
  }),
  ...callerRefusals,
])
export type ListWebhooksOutcome = z.infer<typeof listWebhooksOutcome>

export function listWebhooks(store: Store, args: OfServer): Promise<ListWebhooksOutcome> {
  return callFor(store, 'list_webhooks', args, listWebhooksOutcome)
}

const deleteWebhookOutcome = z.discriminatedUnion('outcome', [outcome('deleted'), ...callerRefusals])
export type DeleteWebhookOutcome = z.infer<typeof deleteWebhookOutcome>

export function deleteWebhook(
  store: Store,
  args: OfServer & { readonly p_webhook_id: string; readonly p_request: RequestFacts },
): Promise<DeleteWebhookOutcome> {
  return callFor(store, 'delete_webhook', args, deleteWebhookOutcome)
}

const replayWebhookMessageOutcome = z.discriminatedUnion('outcome', [outcome('replayed'), ...callerRefusals])
export type ReplayWebhookMessageOutcome = z.infer<typeof replayWebhookMessageOutcome>

export function replayWebhookMessage(
  store: Store,
  args: OfServer & { readonly p_webhook_id: string; readonly p_message_id: string },
): Promise<ReplayWebhookMessageOutcome> {
  return callFor(store, 'replay_webhook_message', args, replayWebhookMessageOutcome)
}

const takeWebhookMessagesOutcome = z.object({
  outcome: z.literal('taken'),
  messages: z.array(
    z.object({
      message_id: z.string(),
      webhook_id: z.string(),
      url: z.string(),
      kid: z.string(),
      payload: z.record(z.string(), z.unknown()),
    }),
  ),
})
export type TakeWebhookMessagesOutcome = z.infer<typeof takeWebhookMessagesOutcome>

export function takeWebhookMessages(
  store: Store,
  args: { readonly p_limit: number },
): Promise<TakeWebhookMessagesOutcome> {
  return callFor(store, 'take_webhook_messages', args, takeWebhookMessagesOutcome)
}

const recordWebhookMessageOutcome = z.object({
  outcome: z.enum(['delivered', 'waiting', 'given_up', 'not_found']),
})
export type RecordWebhookMessageOutcome = z.infer<typeof recordWebhookMessageOutcome>

export function recordWebhookMessage(
  store: Store,
  args: { readonly p_message_id: string; readonly p_is_delivered: boolean; readonly p_seen: string },
): Promise<RecordWebhookMessageOutcome> {
  return callFor(store, 'record_webhook_message', args, recordWebhookMessageOutcome)
}
