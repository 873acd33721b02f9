import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../store/client.ts'
import { findClient, forgetClients } from './find-client.ts'

const client = {
  client_id: 'client_a',
  client_name: 'A',
  kind: 'pre_registered',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['http://localhost/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
}

function storeWith(answer: unknown) {
  const calls: string[] = []
  const store: Store = {
    call: async (name) => {
      calls.push(name)
      return answer
    },
  }
  return { store, calls }
}

describe('a client', () => {
  beforeEach(forgetClients)

  it('is kept for 60 seconds, so that a warm request makes one call (ARCHITECTURE decision 1)', async () => {
    const { store, calls } = storeWith({ outcome: 'found', client })
    expect(await findClient(store, 'client_a', 0)).toMatchObject(client)
    await findClient(store, 'client_a', 59_999)
    expect(calls).toHaveLength(1)
    await findClient(store, 'client_a', 60_000)
    expect(calls).toHaveLength(2)
  })

  it('that is unknown or blocked is asked for each time', async () => {
    const unknown = storeWith({ outcome: 'unknown' })
    await expect(findClient(unknown.store, 'x', 0)).rejects.toThrow('client_unknown')
    await expect(findClient(unknown.store, 'x', 0)).rejects.toThrow('client_unknown')
    expect(unknown.calls).toHaveLength(2)
    await expect(findClient(storeWith({ outcome: 'blocked' }).store, 'x', 0)).rejects.toThrow('client_blocked')
  })

  it.each(['', 'a b', "a'b", 'https://a.example/client.json', 'a'.repeat(129)])(
    'that can be no row costs no call: %j',
    async (client_id) => {
      const { store, calls } = storeWith({ outcome: 'found', client })
      await expect(findClient(store, client_id, 0)).rejects.toThrow('client_unknown')
      expect(calls).toHaveLength(0)
    },
  )
})
