import type { Server } from './builders.ts'
import type { Answer, TestDatabase } from './database.ts'
import { publicPart, request } from './values.ts'

/** A webhook of this server, for one kind of event. */
export async function addWebhook(
  database: TestDatabase,
  server: Pick<Server, 'server_id'> & { caller: unknown },
  events = ['connection.made'],
  p_idempotency: { key_digest: string; body_digest: string } | null = null,
): Promise<Answer & { webhook_id: string }> {
  const webhook_id = `whk_${publicPart()}`
  const answer = await database.call('create_webhook', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_webhook: { webhook_id, url: 'https://hooks.example/x', kid: 'k1', events },
    p_idempotency,
    p_request: request,
  })
  return { ...answer, webhook_id }
}

export type Message = { message_id: string; webhook_id: string; payload: Record<string, unknown> }

export async function takeMessages(database: TestDatabase, p_limit = 50): Promise<Message[]> {
  return (await database.call('take_webhook_messages', { p_limit })).messages as Message[]
}

export function recordMessage(database: TestDatabase, p_message_id: string, p_is_delivered: boolean): Promise<Answer> {
  return database.call('record_webhook_message', { p_message_id, p_is_delivered, p_seen: 'status 500' })
}
