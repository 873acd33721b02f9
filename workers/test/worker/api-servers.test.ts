import { describe, expect, it } from 'vitest'
import { callApi, newServerUrl, ownerToken, registerManaged } from './api-requests.ts'
import { send } from './visitor.ts'

const registration = () => ({ server_url: newServerUrl(), server_name: 'Team files', scopes: ['files:read'] })
const unknownId = `srv_${'x'.repeat(22)}`

describe('POST /api/servers', () => {
  it('registers without a credential and shows a management token once (HTTP-API "Server management")', async () => {
    const body = registration()
    const { status, json, headers } = await callApi('POST', '/api/servers', undefined, body)
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(json).toMatchObject({
      server_id: expect.stringMatching(/^srv_[0-9A-Za-z]{22}$/),
      server_url: body.server_url,
      server_name: 'Team files',
      scopes: [{ name: 'files:read', description: '', required: false, default: true }],
      status: 'verified',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      management_token: expect.stringMatching(/^smt_[0-9A-Za-z]{61}$/),
      verification: { required: false },
    })
    const again = await callApi('GET', `/api/servers/${json.server_id}`, String(json.management_token))
    expect(again.text).not.toContain('smt_')
  })

  it('J8 leaves a server away from loopback pending, and says what proves it', async () => {
    const server_url = `https://${crypto.randomUUID()}.example.com/mcp`
    const { json } = await callApi('POST', '/api/servers', undefined, { ...registration(), server_url })
    expect(json).toMatchObject({
      status: 'pending',
      verification: {
        required: true,
        metadata_url: server_url.replace('/mcp', '/.well-known/oauth-protected-resource/mcp'),
        metadata: {
          resource: server_url,
          authorization_servers: ['http://localhost:9400'],
          auth_agent_server_id: json.server_id,
        },
      },
    })
    expect((await send(`/.well-known/oauth-protected-resource/${json.server_id}`)).status).toBe(404)
  })

  it('answers 409 for a URL that a live server holds', async () => {
    const { server_url } = await registerManaged()
    const { status, json } = await callApi('POST', '/api/servers', undefined, { ...registration(), server_url })
    expect([status, json.error]).toEqual([409, 'conflict'])
  })

  it.each([
    [{ server_url: 'http://example.com/mcp' }, 'server_url must be https'],
    [{ server_url: 'http://localhost:9400/mcp' }, 'server_url must not be the address of this server itself'],
    [{ server_url: 'https://a.example.com:8443/mcp' }, 'server_url must not have a port'],
    [{ scopes: ['openid'] }, 'this scope name is reserved'],
    [{ status: 'verified' }, 'status is not known'],
    [{ owner_id: 'me' }, 'owner_id is not known'],
    [{ server_name: undefined }, 'server_name is missing'],
    [{ server_name: 'Claude\u202e' }, 'server_name must be'],
  ])('J7 J14 J17 B20 refuses %j with a sentence that helps', async (change, sentence) => {
    const { status, json } = await callApi('POST', '/api/servers', undefined, { ...registration(), ...change })
    expect([status, json.error]).toEqual([400, 'invalid_request'])
    expect(json.error_description).toContain(sentence)
    expect(json.error_uri).toMatch(/^http:\/\/localhost:9400\/errors#/)
  })

  it.each(['[]', '"x"', '{', ''])('refuses the body %j', async (body) => {
    const headers = { 'content-type': 'application/json' }
    expect((await send('/api/servers', { method: 'POST', body, headers })).status).toBe(400)
  })

  it('refuses a form and a body of any size', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await send('/api/servers', { method: 'POST', body: 'a=b', headers: form })).status).toBe(400)
    const large = { ...registration(), description: 'x'.repeat(40_000) }
    expect((await callApi('POST', '/api/servers', undefined, large)).status).toBe(413)
  })

  it('J2 makes nobody an owner by naming them: user_id grants nothing', async () => {
    const token = await ownerToken()
    const { server_id } = await registerManaged({ user_id: 'somebody' })
    const mine = await callApi('GET', '/api/servers', token)
    expect(JSON.stringify(mine.json)).not.toContain(server_id)
  })

  it('J1 with an owner’s token makes the account the owner and gives no management token', async () => {
    const token = await ownerToken()
    const { status, json } = await callApi('POST', '/api/servers', token, registration())
    expect(status).toBe(201)
    expect(json).not.toHaveProperty('management_token')
    const mine = await callApi('GET', '/api/servers', token)
    expect(mine.json).toMatchObject({ servers: [{ server_id: json.server_id }] })
  })

  it('J19 needs the scope servers:write', async () => {
    const { status, headers, json } = await callApi(
      'POST',
      '/api/servers',
      await ownerToken('servers:read'),
      registration(),
    )
    expect([status, json.error]).toEqual([403, 'insufficient_scope'])
    expect(headers.get('www-authenticate')).toContain('scope="servers:write"')
  })

  it('refuses a management token, which is for one server', async () => {
    const { token } = await registerManaged()
    const { status, json } = await callApi('POST', '/api/servers', token, registration())
    expect(status).toBe(401)
    expect(json.error_description).toContain('register without a credential')
  })
})

describe('GET /api/servers/:id', () => {
  it('shows public facts to anybody, and nothing else', async () => {
    const { path, server_id, server_url } = await registerManaged({ description: 'Secret plans' })
    const { status, json } = await callApi('GET', path)
    expect(status).toBe(200)
    expect(Object.keys(json).toSorted()).toEqual(['scopes', 'server_id', 'server_name', 'server_url', 'status'])
    expect(json).toMatchObject({ server_id, server_url })
  })

  it('shows all of it to its management token, and public facts to another’s', async () => {
    const one = await registerManaged({ description: 'Ours' })
    const other = await registerManaged()
    expect((await callApi('GET', one.path, one.token)).json).toMatchObject({ description: 'Ours', share_email: true })
    expect((await callApi('GET', one.path, other.token)).json).not.toHaveProperty('description')
  })

  it.each([`/api/servers/${unknownId}`, '/api/servers/srv_x', '/api/servers/%2e%2e'])('is 404 for %s', async (path) => {
    expect((await callApi('GET', path)).status).toBe(404)
  })
})

describe('the credential of /api', () => {
  it('J20 is a bearer token only, never a cookie', async () => {
    const answer = await send('/api/servers', { headers: { cookie: 'session=x; browser=y' } })
    expect(answer.status).toBe(401)
    const challenge = answer.headers.get('www-authenticate')
    expect(challenge).toBe('Bearer resource_metadata="http://localhost:9400/.well-known/oauth-protected-resource"')
    expect(answer.headers.has('access-control-allow-origin')).toBe(false)
  })

  it('J21 is no API key, no invented token and no token for another audience', async () => {
    const { token, path } = await registerManaged()
    const { json } = await callApi('POST', `${path}/keys`, token, { name: 'k' })
    const altered = `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`
    for (const wrong of [String(json.key_secret), altered, 'smt_x', 'nonsense', 'a.b.c']) {
      const answer = await callApi('GET', '/api/servers', wrong)
      expect([answer.status, answer.json.error]).toEqual([401, 'invalid_token'])
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
  })

  it('is 400 when the header is malformed (RFC 6750 §3.1)', async () => {
    const answer = await send('/api/servers', { headers: { authorization: 'Bearer a b' } })
    expect(answer.status).toBe(400)
  })
})

describe('PATCH /api/servers/:id', () => {
  it('changes what it names, and removes with null', async () => {
    const { path, token } = await registerManaged({ description: 'Old' })
    const changes = { server_name: 'New name', scopes: ['a', 'b'], description: null, client_policy: 'pre_registered' }
    const { status, json } = await callApi('PATCH', path, token, changes)
    expect(status).toBe(200)
    expect(json).toMatchObject({ server_name: 'New name', client_policy: 'pre_registered' })
    expect(json.scopes).toHaveLength(2)
    expect(json).not.toHaveProperty('description')
  })

  it.each([
    [{ server_url: 'https://other.example.com' }, 'server_url cannot be changed'],
    [{ status: 'verified' }, 'status is not known'],
    [{ token_lifetime_seconds: 10 }, 'token_lifetime_seconds must be'],
    [{}, 'changes nothing'],
  ])('J7 J18 refuses %j', async (changes, sentence) => {
    const { path, token } = await registerManaged()
    const { status, json } = await callApi('PATCH', path, token, changes)
    expect(status).toBe(400)
    expect(json.error_description).toContain(sentence)
  })

  it('J3 is the same 404 for a stranger’s server and an invented one', async () => {
    const { token } = await registerManaged()
    const stranger = await registerManaged()
    const change = { server_name: 'Mine now' }
    const foreign = await callApi('PATCH', stranger.path, token, change)
    const invented = await callApi('PATCH', `/api/servers/${unknownId}`, token, change)
    expect(foreign.status).toBe(404)
    expect(foreign.text).toBe(invented.text)
    expect((await callApi('GET', stranger.path)).json.server_name).toBe('Team files')
  })

  it('needs a credential', async () => {
    const { path } = await registerManaged()
    expect((await callApi('PATCH', path, undefined, { server_name: 'x' })).status).toBe(401)
  })
})

describe('DELETE /api/servers/:id', () => {
  it('J25 ends the server and its management token', async () => {
    const { path, token } = await registerManaged()
    expect((await callApi('DELETE', path, token)).status).toBe(204)
    expect((await callApi('GET', path)).status).toBe(404)
    expect((await callApi('DELETE', path, token)).status).toBe(401)
  })

  it('J3 is 404 for a stranger’s', async () => {
    const { token } = await registerManaged()
    const stranger = await registerManaged()
    expect((await callApi('DELETE', stranger.path, token)).status).toBe(404)
    expect((await callApi('GET', stranger.path)).status).toBe(200)
  })
})
