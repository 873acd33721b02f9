import * as z from 'zod/mini'
import { readBody } from './management-body.ts'

/** What an owner can be told of. */
export const webhookEvents = [
  'connection.made',
  'connection.revoked',
  'theft.suspected',
  'key.expiring',
  'proof.failing',
  'server.suspended',
] as const

export const webhookRequest = z.strictObject({
  url: z
    .string('url must be a string')
    .check(
      z.maxLength(2_048, 'url may have 2048 characters'),
      z.regex(/^https?:\/\/[\x21-\x7e]+$/, 'url must be an https URL'),
    ),
  events: z.optional(
    z
      .array(z.enum(webhookEvents, `an event is one of ${webhookEvents.join(', ')}`), 'events must be an array')
      .check(
        z.minLength(1, 'events must have at least one event'),
        z.maxLength(webhookEvents.length, 'events has one twice'),
      ),
  ),
})

/**
 * Reads the body of POST /api/servers/:id/webhooks; without `events` all are meant.
 * @throws OAuthError invalid_request that names the member
 */
export function parseWebhookRequest(body: unknown): { readonly url: string; readonly events: readonly string[] } {
  const { url, events = webhookEvents } = readBody(webhookRequest, body)
  return { url, events: [...new Set(events)] }
}
