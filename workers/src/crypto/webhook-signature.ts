import { deriveKey, hmac } from './digest.ts'
import type { SealKeys } from './seal.ts'

// Standard Webhooks 1.0: HMAC-SHA-256 over id, timestamp and body. The secret is derived from the webhook's id under a key of
// REGISTRATION_KEYS, which are never dropped, so that it is nowhere stored and never lost.

async function secretBytes(
  keys: SealKeys,
  kid: string,
  webhook_id: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const found = keys.find((one) => one.kid === kid)
  return found === undefined ? undefined : hmac(await deriveKey(found.key, 'webhook secret'), webhook_id)
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

/** What the owner configures at the receiver; undefined when no key of that name is left. */
export async function webhookSecret(keys: SealKeys, kid: string, webhook_id: string): Promise<string | undefined> {
  const bytes = await secretBytes(keys, kid, webhook_id)
  return bytes && `whsec_${base64(bytes)}`
}

export type SignedMessage = {
  readonly webhook_id: string
  readonly kid: string
  readonly message_id: string
  readonly timestampSeconds: number
  readonly body: string
}

/** The three headers of a message; undefined when no key of that name is left. */
export async function webhookHeaders(
  keys: SealKeys,
  { webhook_id, kid, message_id, timestampSeconds, body }: SignedMessage,
): Promise<Record<string, string> | undefined> {
  const bytes = await secretBytes(keys, kid, webhook_id)
  if (bytes === undefined) return undefined
  const signature = base64(await hmac(bytes, `${message_id}.${timestampSeconds}.${body}`))
  return {
    'webhook-id': message_id,
    'webhook-timestamp': timestampSeconds.toString(),
    'webhook-signature': `v1,${signature}`,
  }
}
