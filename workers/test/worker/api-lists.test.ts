import { describe, expect, it } from 'vitest'
import { s256 } from '../../src/crypto/pkce.ts'
import { openHouse } from '../support/worker/house.ts'
import { callApi, type Json, meetOwner, newServerUrl, registerManaged } from './api-requests.ts'
import { authorizeUrl } from './requests.ts'
import { meetVisitor } from './visitor.ts'

/** The ids of each page of a list, from the first page to the last. */
async function pagesOf(path: string, member: string, id: string, token: string): Promise<string[][]> {
  const pages: string[][] = []
  let cursor: unknown
  do {
    const query = `limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`
    const { json } = await callApi('GET', `${path}?${query}`, token)
    pages.push((json[member] as Json[]).map((row) => String(row[id])))
    cursor = json.next
  } while (cursor !== undefined)
  return pages
}

const sizes = (pages: readonly string[][]) => pages.map(({ length }) => length)
const countOf = (pages: readonly string[][]) => new Set(pages.flat()).size

describe('lists of the management API', () => {
  it('go on with a cursor: servers, keys, tokens and offers, each row once (J24)', async () => {
    const { token, user_id } = await meetOwner()
    const body = () => ({ server_url: newServerUrl(), server_name: 'Team files', scopes: ['files:read'] })
    let server_id = ''
    for (let count = 0; count < 5; count += 1) {
      server_id = String((await callApi('POST', '/api/servers', token, body())).json.server_id)
      await callApi('POST', '/api/tokens', token, { name: `t${count}`, scopes: ['servers:read'] })
      await registerManaged({ user_id })
    }
    const keys = `/api/servers/${server_id}/keys`
    for (let count = 0; count < 5; count += 1) await callApi('POST', keys, token, { name: `k${count}` })
    const lists = [
      ['/api/servers', 'servers', 'server_id'],
      ['/api/offers', 'offers', 'server_id'],
      ['/api/tokens', 'tokens', 'token_id'],
      [keys, 'keys', 'key_id'],
    ] as const
    for (const [path, member, id] of lists) {
      const pages = await pagesOf(path, member, id, token)
      expect([path, sizes(pages), countOf(pages)]).toEqual([path, [2, 2, 1], 5])
    }
  })

  it('J7 take no cursor of another list, no limit beyond 100, and no parameter twice or unknown', async () => {
    const { token } = await meetOwner()
    const [srv, key, tok] = [`1.srv_${'0'.repeat(22)}`, `1.key_${'0'.repeat(12)}`, `1.tok_${'0'.repeat(12)}`]
    const wrong = {
      '/api/servers': [`cursor=${key}`, 'cursor=1.x', 'limit=101', 'limit=0', 'limit=1&limit=2', 'offset=1'],
      '/api/offers': [`cursor=${tok}`, 'limit=-1', "cursor=1.srv_'"],
      '/api/tokens': [`cursor=${srv}`, 'limit=x'],
    }
    for (const [path, queries] of Object.entries(wrong)) {
      for (const query of queries) {
        expect([path, query, (await callApi('GET', `${path}?${query}`, token)).status]).toEqual([path, query, 400])
      }
    }
    // A cursor of one's own making shows nothing that is not one's own.
    const far = `9999999999999999.srv_${'z'.repeat(22)}`
    expect((await callApi('GET', `/api/servers?cursor=${far}`, token)).json).toEqual({ servers: [] })
  })

  it('find the authorization that gave somebody a reference', async () => {
    const { token, path, server_url } = await registerManaged()
    const visitor = meetVisitor()
    const code_challenge = await s256('another-test-verifier-that-is-long-enough-1')
    const signIn = await visitor.open(authorizeUrl({ resource: server_url, code_challenge }))
    const codePage = await visitor.follow(await visitor.submit(signIn, '/sign-in', { email: visitor.email }))
    const wrong = await visitor.submit(codePage, '/sign-in/code', { code: '00000000' })
    const reference = wrong.headers.get('x-request-id') ?? ''
    const find = async (seen: string) =>
      (await callApi('GET', `${path}/authorizations?reference=${seen}`, token)).json.authorizations
    const steps = expect.arrayContaining([expect.objectContaining({ event: 'code.failed', reference })])
    expect(await find(reference)).toMatchObject([{ state: 'waiting', client_name: 'Claude Code', steps }])
    expect(await find('req_other')).toEqual([])
    expect((await callApi('GET', `${path}/authorizations?reference=a%20b`, token)).status).toBe(400)
  })
})

describe('changes an hour', () => {
  const house = openHouse({ variables: { LIMITS: '{"writes_per_hour":1}' } })

  it('J24 are as many as are configured, whatever is changed', async () => {
    const changes = [
      ['PATCH', '', { server_name: 'New name' }],
      ['PUT', '/offer', { email: 'heir@example.com' }],
      ['POST', '/client-rules', { effect: 'block', host: 'evil.example' }],
      ['POST', '/keys', { name: 'x' }],
      ['POST', '/webhooks', { url: 'https://hooks.example.com/x' }],
    ] as const
    for (const [method, rest, body] of changes) {
      const { path, token } = await registerManaged()
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const change = () => house.send(path + rest, { method, headers, body: JSON.stringify(body) })
      const [first, second] = [await change(), await change()]
      expect([rest, first.status < 300, second.status]).toEqual([rest, true, 429])
      expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0)
    }
  })
})
