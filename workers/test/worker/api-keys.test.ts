import { beforeAll, describe, expect, it } from 'vitest'
import { callApi, introspectWith, ownerToken, registerManaged } from './api-requests.ts'

let foreignToken: string
beforeAll(async () => {
  foreignToken = await ownerToken()
})

describe('POST /api/servers/:id/keys', () => {
  it('J5 shows the secret once; the list has none', async () => {
    const { path, token } = await registerManaged()
    const made = await callApi('POST', `${path}/keys`, token, { name: ' production ', expires_in: 86_400 })
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    expect(made.json).toMatchObject({
      key_id: expect.stringMatching(/^key_[0-9A-Za-z]{12}$/),
      key_secret: expect.stringMatching(/^sk_[0-9A-Za-z]{61}$/),
      name: 'production',
      created_at: expect.stringMatching(/Z$/),
      expires_at: expect.stringMatching(/Z$/),
    })
    const list = await callApi('GET', `${path}/keys`, token)
    expect(list.text).not.toContain('sk_')
    const last_four = String(made.json.key_secret).slice(-4)
    expect(list.json).toMatchObject({ keys: [{ key_id: made.json.key_id, name: 'production', last_four }] })
  })

  it('makes a key that introspects at once, and whose use is seen', async () => {
    const { path, token } = await registerManaged()
    const { json } = await callApi('POST', `${path}/keys`, token, { name: 'k' })
    expect(json).not.toHaveProperty('expires_at')
    const answer = await introspectWith(String(json.key_secret), foreignToken)
    expect([answer.status, answer.text]).toEqual([200, '{"active":false}'])
    const list = await callApi('GET', `${path}/keys`, token)
    expect(list.json).toMatchObject({ keys: [{ last_used_at: expect.stringMatching(/Z$/) }] })
  })

  it('J6 is not introspected with by its id', async () => {
    const { path, token } = await registerManaged()
    const { json } = await callApi('POST', `${path}/keys`, token, { name: 'k' })
    expect((await introspectWith(String(json.key_id), foreignToken)).status).toBe(401)
  })

  it.each([
    [{ name: 'k', expires_in: -1 }, 'expires_in'],
    [{ name: 'k', expires_in: '3600' }, 'expires_in'],
    [{ name: 'k', expires_in: 1e308 }, 'expires_in'],
    [{}, 'name is missing'],
    [{ name: 'k', digest: 'x' }, 'digest is not known'],
  ])('J23 J7 refuses %j', async (body, sentence) => {
    const { path, token } = await registerManaged()
    const { status, json } = await callApi('POST', `${path}/keys`, token, body)
    expect(status).toBe(400)
    expect(json.error_description).toContain(sentence)
  })

  it('J24 makes ten live keys and no eleventh', async () => {
    const { path, token } = await registerManaged()
    for (let n = 0; n < 10; n++) {
      expect((await callApi('POST', `${path}/keys`, token, { name: `k${n}` })).status).toBe(201)
    }
    const eleventh = await callApi('POST', `${path}/keys`, token, { name: 'k10' })
    expect([eleventh.status, eleventh.json.error]).toEqual([409, 'conflict'])
  })

  it('J19 needs the scope keys:write of an owner’s token', async () => {
    const body = { server_url: `http://localhost:9401/${crypto.randomUUID()}`, server_name: 'Mine', scopes: ['a'] }
    const full = await ownerToken()
    const { json } = await callApi('POST', '/api/servers', full, body)
    expect((await callApi('POST', `/api/servers/${json.server_id}/keys`, full, { name: 'k' })).status).toBe(201)
    const narrow = await ownerToken('servers:read servers:write')
    const refused = await callApi('POST', `/api/servers/${json.server_id}/keys`, narrow, { name: 'k' })
    expect([refused.status, refused.json.error]).toEqual([403, 'insufficient_scope'])
  })
})

describe('DELETE /api/servers/:id/keys/:keyId', () => {
  it('H7 ends a key with the next introspection', async () => {
    const { path, token } = await registerManaged()
    const { json } = await callApi('POST', `${path}/keys`, token, { name: 'k' })
    expect((await callApi('DELETE', `${path}/keys/${json.key_id}`, token)).status).toBe(204)
    expect((await introspectWith(String(json.key_secret), foreignToken)).status).toBe(401)
    const list = await callApi('GET', `${path}/keys`, token)
    expect(list.json).toMatchObject({ keys: [{ revoked_at: expect.stringMatching(/Z$/) }] })
  })

  it('J4 is 404 in all four combinations of foreign server and key, and nothing changes', async () => {
    const mine = await registerManaged()
    const theirs = await registerManaged()
    const { json } = await callApi('POST', `${theirs.path}/keys`, theirs.token, { name: 'k' })
    const invented = `key_${'x'.repeat(12)}`
    const paths = [
      `${theirs.path}/keys/${json.key_id}`,
      `${mine.path}/keys/${json.key_id}`,
      `${mine.path}/keys/${invented}`,
      `${theirs.path}/keys/${invented}`,
    ]
    const answers = await Promise.all(paths.map((path) => callApi('DELETE', path, mine.token)))
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect((await introspectWith(String(json.key_secret), foreignToken)).status).toBe(200)
    expect((await callApi('POST', `${theirs.path}/keys`, mine.token, { name: 'x' })).status).toBe(404)
    expect((await callApi('GET', `${theirs.path}/keys`, mine.token)).status).toBe(404)
  })

  it('needs a credential', async () => {
    const { path } = await registerManaged()
    expect((await callApi('GET', `${path}/keys`)).status).toBe(401)
    expect((await callApi('POST', `${path}/keys`, undefined, { name: 'k' })).status).toBe(401)
  })
})
