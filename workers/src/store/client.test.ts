import { describe, expect, it } from 'vitest'
import { createStore, type Store, StoreUnavailable, withCallHook } from './client.ts'
import { getClient } from './clients.ts'
import { readServer } from './servers.ts'

function storeAnswering(answer: () => Promise<Response>, key = 'k'.repeat(40)) {
  const requests: Request[] = []
  const store = createStore({
    url: 'http://127.0.0.1:1',
    key,
    timeoutMs: 1_000,
    fetchUrl: (input, init) => {
      requests.push(new Request(input, init))
      return answer()
    },
  })
  return { store, requests }
}

const json =
  (body: unknown, status = 200) =>
  async () =>
    Response.json(body, { status })
const answering = (answer: unknown): Store => ({ call: async () => answer })

describe('the store', () => {
  it('calls a function of schema mcp with named arguments', async () => {
    const { store, requests } = storeAnswering(json({ outcome: 'unknown' }))
    expect(await getClient(store, { p_client_id: 'a' })).toEqual({ outcome: 'unknown' })
    const [request] = requests
    expect(request?.url).toBe('http://127.0.0.1:1/rest/v1/rpc/get_client')
    expect(request?.headers.get('content-profile')).toBe('mcp')
    expect(await request?.json()).toEqual({ p_client_id: 'a' })
  })

  it('sends a JWT in both headers, and a secret key of the new kind as apikey alone', async () => {
    const jwt = storeAnswering(json({ outcome: 'unknown' }), 'a.b.c')
    await getClient(jwt.store, { p_client_id: 'a' })
    expect(jwt.requests[0]?.headers.get('authorization')).toBe('Bearer a.b.c')
    expect(jwt.requests[0]?.headers.get('apikey')).toBe('a.b.c')
    const secret = storeAnswering(json({ outcome: 'unknown' }), 'sb_secret_x')
    await getClient(secret.store, { p_client_id: 'a' })
    expect(secret.requests[0]?.headers.has('authorization')).toBe(false)
    expect(secret.requests[0]?.headers.get('apikey')).toBe('sb_secret_x')
  })
})

describe('a store without a usable answer', () => {
  it.each([500, 503, 401, 404])('H16 is unavailable when the answer is %i', async (status) => {
    const { store, requests } = storeAnswering(json({ message: 'relation x', code: 'P0001' }, status))
    await expect(getClient(store, { p_client_id: 'a' })).rejects.toBeInstanceOf(StoreUnavailable)
    // No retry of a call that may have changed something (ARCHITECTURE decision 13).
    expect(requests).toHaveLength(1)
  })

  it('H16 is unavailable when nobody answers, or not in JSON', async () => {
    const refusing = storeAnswering(() => Promise.reject(new TypeError('fetch failed')))
    await expect(getClient(refusing.store, { p_client_id: 'a' })).rejects.toBeInstanceOf(StoreUnavailable)
    expect(refusing.requests).toHaveLength(1)
  })

  it('H16 M2 tells nothing of a body that is no JSON: half of it may be an address', async () => {
    const { store } = storeAnswering(() => Promise.resolve(new Response('{"outcome":"found","email":"per')))
    const error = await getClient(store, { p_client_id: 'a' }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(StoreUnavailable)
    expect([String(error), (error as Error).cause]).toEqual([
      'StoreUnavailable: get_client answered 200 without JSON',
      undefined,
    ])
  })

  it('F24 keeps the database error for the log', async () => {
    const { store } = storeAnswering(json({ message: 'relation x' }, 500))
    const error = await getClient(store, { p_client_id: 'a' }).catch((caught: unknown) => caught)
    expect(String(error)).not.toContain('relation')
    expect(error).toMatchObject({ cause: { message: 'relation x' } })
  })

  it.each([{ outcome: 'surprise' }, null, 'x', { outcome: 'found' }])(
    'is unavailable when the outcome has an unknown shape: %j',
    async (answer) => {
      await expect(getClient(answering(answer), { p_client_id: 'a' })).rejects.toBeInstanceOf(StoreUnavailable)
    },
  )
})

describe('a call', () => {
  it('tells a hook', async () => {
    const names: string[] = []
    await getClient(
      withCallHook(answering({ outcome: 'unknown' }), (name) => names.push(name)),
      { p_client_id: 'a' },
    )
    expect(names).toEqual(['get_client'])
  })

  it('keeps the public view of a server apart from its owner’s', async () => {
    const server = { server_id: 's', server_url: 'u', server_name: 'n', scopes: [], status: 'pending' }
    const read = (answer: unknown) => readServer(answering(answer), { p_server_id: 's', p_caller: null })
    expect(await read({ outcome: 'found', public: true, server })).toEqual({ outcome: 'found_public', server })
    const whole = {
      ...server,
      created_at_seconds: 1,
      share_email: true,
      requires_passkey: false,
      client_policy: 'any',
      owner: false,
    }
    expect(await read({ outcome: 'found', server: { ...whole, description: null } })).toMatchObject({
      outcome: 'found',
      server: { description: undefined, share_email: true },
    })
    expect(await read({ outcome: 'not_found' })).toEqual({ outcome: 'not_found' })
  })
})
