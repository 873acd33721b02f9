import pMap from 'p-map'
import { webhookHeaders } from './crypto/webhook-signature.ts'
import type { Dependencies } from './dependencies.ts'
import { hostsAtOnce } from './hosts-at-once.ts'
import { recordWebhookMessage, type TakeWebhookMessagesOutcome, takeWebhookMessages } from './store/webhooks.ts'

/**
 * Messages that are claimed at a time, and how often in one run: what is left is due at the next. A Worker makes a thousand calls in
 * one run, and a message takes four: two for the name, one for the host, one to the database.
 */
const batchSize = 50
const batchesPerRun = 4

type Message = TakeWebhookMessagesOutcome['messages'][number]

/**
 * Sends what owners want to be told of, under the policy for strangers' URLs (SECURITY §24); what fails is tried again later.
 * @throws StoreUnavailable, which the platform shows as a failed run
 */
export async function runWebhooks(dependencies: Dependencies): Promise<void> {
  const startedMs = dependencies.clock()
  const rows: Record<string, number> = {}
  let database_calls = 0
  let batches = 0
  for (let more = true; more && batches < batchesPerRun; batches += 1) {
    const { messages } = await takeWebhookMessages(dependencies.store, { p_limit: batchSize })
    const outcomes = await pMap(messages, (message) => send(dependencies, message), { concurrency: hostsAtOnce })
    for (const outcome of outcomes) rows[outcome] = (rows[outcome] ?? 0) + 1
    database_calls += 1 + outcomes.length
    more = messages.length === batchSize
  }
  dependencies.log({ level: 'info', job: 'webhooks', ms: dependencies.clock() - startedMs, database_calls, rows })
}

async function send(dependencies: Dependencies, message: Message): Promise<string> {
  const { p_is_delivered, p_seen } = await attempt(dependencies, message)
  const args = { p_message_id: message.message_id, p_is_delivered, p_seen }
  return (await recordWebhookMessage(dependencies.store, args)).outcome
}

async function attempt({ config, clock, callWebhook }: Dependencies, { url, payload, ...message }: Message) {
  const body = JSON.stringify(payload)
  const timestampSeconds = Math.floor(clock() / 1_000)
  const headers = await webhookHeaders(config.registrationKeys, { ...message, timestampSeconds, body })
  if (headers === undefined)
    return { p_is_delivered: false, p_seen: 'the key of its secret is gone: make the webhook anew' }
  const answer = await callWebhook(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  if (answer.outcome === 'unavailable') return { p_is_delivered: false, p_seen: answer.told }
  const { status } = answer
  return { p_is_delivered: status >= 200 && status < 300, p_seen: `status ${status}` }
}
