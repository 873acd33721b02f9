import { describe, expect, it } from 'vitest'
import { sql } from '../support/worker/sql.ts'
import { callApi, introspectWith, meetOwner, newServerUrl, ownerToken } from './api-requests.ts'
import { mailsTo } from './mails.ts'

const request = { name: 'CI', scopes: ['servers:read', 'servers:write'] }

async function makeToken(token: string, more: Readonly<Record<string, unknown>> = {}) {
  const { status, json } = await callApi('POST', '/api/tokens', token, { ...request, ...more })
  if (status !== 201) throw new Error(`${status}: ${JSON.stringify(json)}`)
  return { token_id: String(json.token_id), personal_token: String(json.personal_token), json }
}

const body = () => ({ server_url: newServerUrl(), server_name: 'Team files', scopes: ['files:read'] })

describe('POST /api/tokens', () => {
  it('J5 J19 shows the token once, tells the owner by mail, and lists it without the secret', async () => {
    const owner = await meetOwner()
    const { personal_token, token_id, json } = await makeToken(owner.token)
    expect(personal_token).toMatch(/^pat_[0-9A-Za-z]{61}$/)
    expect(json).toMatchObject({ name: 'CI', scopes: request.scopes, last_four: personal_token.slice(-4) })
    const listed = await callApi('GET', '/api/tokens', owner.token)
    expect(listed.json).toMatchObject({ tokens: [{ token_id, name: 'CI' }] })
    expect(listed.text).not.toContain(personal_token)
    expect((await mailsTo(owner.email))[0]?.text).toContain(token_id)
  })

  it('J19 registers for its owner, and is refused with the scope it lacks', async () => {
    const { personal_token } = await makeToken(await ownerToken())
    const made = await callApi('POST', '/api/servers', personal_token, body())
    expect(made.status).toBe(201)
    expect(made.json).not.toHaveProperty('management_token')
    const refused = await callApi('POST', `/api/servers/${String(made.json.server_id)}/keys`, personal_token, {
      name: 'k',
    })
    expect([refused.status, refused.json.error]).toEqual([403, 'insufficient_scope'])
    expect(refused.headers.get('www-authenticate')).toContain('scope="keys:write"')
  })

  it('J19 J23 lives 30 days unless it is said otherwise, 90 at most, and whole seconds', async () => {
    const token = await ownerToken()
    const { json } = await makeToken(token)
    expect(Date.parse(String(json.expires_at)) - Date.parse(String(json.created_at))).toBe(2_592_000_000)
    for (const expires_in of [7_776_001, 3_599, -1, 1e308, 1.5, '3600', null]) {
      expect((await callApi('POST', '/api/tokens', token, { ...request, expires_in })).status).toBe(400)
    }
  })

  it.each([
    [{ scopes: [] }, 'at least one scope'],
    [{ scopes: ['openid'] }, 'a scope is one of'],
    [{ scopes: ['servers:read', 'servers:read'] }, 'a scope twice'],
    [{ name: ' ' }, 'name must not be empty'],
    [{ account_id: 'x' }, 'account_id is not known'],
  ])('J7 refuses %j', async (change, sentence) => {
    const { status, json } = await callApi('POST', '/api/tokens', await ownerToken(), { ...request, ...change })
    expect(status).toBe(400)
    expect(json.error_description).toContain(sentence)
  })

  it('is not made by another personal token, nor by a management token', async () => {
    const { personal_token } = await makeToken(await ownerToken())
    const answer = await callApi('POST', '/api/tokens', personal_token, { ...request, scopes: ['servers:read'] })
    expect([answer.status, answer.json.error_uri]).toEqual([403, 'http://localhost:9400/errors#token_may_not_mint'])
    const { json } = await callApi('POST', '/api/servers', undefined, body())
    expect((await callApi('POST', '/api/tokens', String(json.management_token), request)).status).toBe(401)
  })

  it('J22 needs a fresh sign-in, and says how fresh (RFC 9470)', async () => {
    const { token, user_id } = await meetOwner()
    const text = `update mcp_data.connections set auth_time = auth_time - interval '20 minutes' where account_id = $1`
    await sql(text, [user_id])
    const answer = await callApi('POST', '/api/tokens', token, request)
    expect([answer.status, answer.json.error]).toEqual([401, 'insufficient_user_authentication'])
    expect(answer.headers.get('www-authenticate')).toMatch(/error="insufficient_user_authentication".*max_age="900"/)
  })
})

describe('a personal token', () => {
  it('J19 ends when it is revoked, also by itself, and when its time is over', async () => {
    const token = await ownerToken()
    const [one, two] = [await makeToken(token), await makeToken(token)]
    expect((await callApi('DELETE', `/api/tokens/${one.token_id}`, one.personal_token)).status).toBe(204)
    expect((await callApi('GET', '/api/servers', one.personal_token)).status).toBe(401)
    const shift = `created_at = created_at - interval '31 days', expires_at = expires_at - interval '31 days'`
    await sql(`update mcp_data.personal_tokens set ${shift} where token_id = $1`, [two.token_id])
    expect((await callApi('GET', '/api/servers', two.personal_token)).status).toBe(401)
  })

  it('J3 is the same 404 for a stranger’s and an invented one', async () => {
    const theirs = await makeToken(await ownerToken())
    const token = await ownerToken()
    for (const token_id of [theirs.token_id, 'tok_000000000000', 'tok_x'])
      expect((await callApi('DELETE', `/api/tokens/${token_id}`, token)).status).toBe(404)
  })

  it('J21 is no API key', async () => {
    const { personal_token } = await makeToken(await ownerToken())
    expect((await introspectWith(personal_token, 'x')).status).toBe(401)
  })
})

describe('Idempotency-Key', () => {
  const key = () => ({ 'idempotency-key': `"${crypto.randomUUID()}"` })

  it('the same key and body name the same server; what nobody registered shows its token to the first alone', async () => {
    const [header, registration] = [key(), body()]
    const first = await callApi('POST', '/api/servers', undefined, registration, header)
    const again = await callApi('POST', '/api/servers', undefined, registration, header)
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.json.server_id).toBe(first.json.server_id)
    expect(first.json).toHaveProperty('management_token')
    expect(again.json).not.toHaveProperty('management_token')
    expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true'])
  })

  it('J5 the same key and body tell the same API key with its secret, though none is kept', async () => {
    const owner = await ownerToken()
    const { json } = await callApi('POST', '/api/servers', owner, body())
    const path = `/api/servers/${String(json.server_id)}/keys`
    const header = key()
    const first = await callApi('POST', path, owner, { name: 'ci' }, header)
    const again = await callApi('POST', path, owner, { name: 'ci' }, header)
    expect(again.json).toEqual(first.json)
    expect(again.json.key_secret).toMatch(/^sk_/)
    expect((await callApi('GET', path, owner)).json.keys).toHaveLength(1)
    const other = await callApi('POST', path, owner, { name: 'ci' }, key())
    expect(other.json.key_secret).not.toBe(first.json.key_secret)
  })

  it('J5 the same key and body tell the same personal token, and the same webhook, with its secret', async () => {
    const owner = await ownerToken()
    const { json } = await callApi('POST', '/api/servers', owner, body())
    const webhooks = `/api/servers/${String(json.server_id)}/webhooks`
    for (const [path, asked, secret] of [
      ['/api/tokens', { name: 'ci', scopes: ['servers:read'], expires_in: 3600 }, 'personal_token'],
      [webhooks, { url: 'https://hooks.example.com/x', events: ['connection.made'] }, 'secret'],
    ] as const) {
      const header = key()
      const first = await callApi('POST', path, owner, asked, header)
      const again = await callApi('POST', path, owner, asked, header)
      expect([first.status, again.status]).toEqual([201, 201])
      expect(again.json).toEqual(first.json)
      expect(first.json[secret]).toMatch(/^(?:pat|whsec)_/)
      expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true'])
      const other = await callApi('POST', path, owner, asked, key())
      expect(other.json[secret]).not.toBe(first.json[secret])
      const reused = await callApi(
        'POST',
        path,
        owner,
        { ...asked, ...(path === webhooks ? { events: ['theft.suspected'] } : { name: 'x' }) },
        header,
      )
      expect(reused.status).toBe(422)
    }
  })

  it('is 422 with another body, another caller’s own affair, and 400 when it is too short', async () => {
    const header = key()
    expect((await callApi('POST', '/api/servers', undefined, body(), header)).status).toBe(201)
    const reused = await callApi('POST', '/api/servers', undefined, body(), header)
    expect([reused.status, reused.json.error_uri]).toEqual([422, 'http://localhost:9400/errors#idempotency_key_reused'])
    expect((await callApi('POST', '/api/servers', await ownerToken(), body(), header)).status).toBe(201)
    const short = await callApi('POST', '/api/servers', undefined, body(), { 'idempotency-key': '1' })
    expect(short.status).toBe(400)
  })
})
