import { beforeEach, describe, expect, it } from 'vitest'
import { createSeal } from '../crypto/seal.ts'
import type { DocumentResult } from '../documents/document-reader.ts'
import type { Client } from '../protocol/client-metadata.ts'
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

const seal = createSeal([{ kid: 'r1', key: crypto.getRandomValues(new Uint8Array(32)) }])

function sources(store: Store, document: DocumentResult<Client> = { outcome: 'refused', detail: 'no' }) {
  const read = async () => document
  return { store, seal, clientDocuments: { read, readAgain: read } }
}

describe('a client', () => {
  beforeEach(forgetClients)

  it('is kept for 60 seconds, so that a warm request makes one call (ARCHITECTURE decision 1)', async () => {
    const { store, calls } = storeWith({ outcome: 'found', client })
    expect(await findClient(sources(store), 'client_a', 0)).toMatchObject(client)
    await findClient(sources(store), 'client_a', 59_999)
    expect(calls).toHaveLength(1)
    await findClient(sources(store), 'client_a', 60_000)
    expect(calls).toHaveLength(2)
  })

  it('that is unknown or blocked is asked for each time', async () => {
    const unknown = storeWith({ outcome: 'unknown' })
    await expect(findClient(sources(unknown.store), 'x', 0)).rejects.toThrow('client_unknown')
    await expect(findClient(sources(unknown.store), 'x', 0)).rejects.toThrow('client_unknown')
    expect(unknown.calls).toHaveLength(2)
    await expect(findClient(sources(storeWith({ outcome: 'blocked' }).store), 'x', 0)).rejects.toThrow('client_blocked')
  })

  it.each(['', "a'b", 'a'.repeat(129), 'dcr_x', `dcr_r1.e30.${'A'.repeat(43)}`])(
    'that can be no row costs no call: %j',
    async (client_id) => {
      const { store, calls } = storeWith({ outcome: 'found', client })
      await expect(findClient(sources(store), client_id, 0)).rejects.toThrow('client_unknown')
      expect(calls).toHaveLength(0)
    },
  )

  const unknown = { error: 'invalid_client', status: 401 }
  const unsure = { error: 'temporarily_unavailable', status: 503, retryAfterSeconds: 60 }
  it.each([
    ['a b', { outcome: 'refused', detail: 'it has a space' }, 'client_id_malformed', unknown],
    [
      'https://a.dev/c',
      { outcome: 'unavailable', detail: 'port 8080 is closed' },
      'client_document_unavailable',
      unsure,
    ],
    ['https://a.dev/c', { outcome: 'invalid', detail: 'client_name is missing' }, 'client_document_invalid', unknown],
  ] as const)('E19 named by a URL is a document: %s, %j', async (client_id, document, reason, answer) => {
    const { store, calls } = storeWith({ outcome: 'found', client })
    const refusal = await findClient(sources(store, document), client_id, 0).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ reason, ...answer })
    expect(String(refusal).includes('port 8080')).toBe(false)
    expect(calls).toHaveLength(0)
  })
})
