import { describe, expect, it } from 'vitest'
import type { SealKeys } from './seal.ts'
import { webhookHeaders, webhookSecret } from './webhook-signature.ts'

const keys: SealKeys = [
  { kid: 'new', key: new Uint8Array(32).fill(1) },
  { kid: 'old', key: new Uint8Array(32).fill(2) },
]
const message = {
  webhook_id: 'whk_a',
  kid: 'old',
  message_id: 'msg_1',
  timestampSeconds: 1_700_000_000,
  body: '{"type":"x"}',
}

describe('a webhook’s signature', () => {
  it('is what a receiver of Standard Webhooks makes of the secret', async () => {
    const secret = (await webhookSecret(keys, 'old', 'whk_a')) ?? ''
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const key = Uint8Array.from(atob(secret.slice('whsec_'.length)), (character) => character.charCodeAt(0))
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign'])
    const mac = await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(`msg_1.1700000000.${message.body}`))
    const expected = btoa(String.fromCharCode(...new Uint8Array(mac)))
    expect(await webhookHeaders(keys, message)).toEqual({
      'webhook-id': 'msg_1',
      'webhook-timestamp': '1700000000',
      'webhook-signature': `v1,${expected}`,
    })
  })

  it('is another one for each webhook, and none where the key is gone', async () => {
    const [one, two] = [await webhookSecret(keys, 'old', 'whk_a'), await webhookSecret(keys, 'old', 'whk_b')]
    expect(one).not.toBe(two)
    expect(await webhookHeaders(keys, { ...message, kid: 'gone' })).toBeUndefined()
  })
})
