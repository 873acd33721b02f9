import { describe, expect, it } from 'vitest'
import { callApi, meetOwner, newServerUrl, type Owner, registerManaged } from './api-requests.ts'
import { mailsTo } from './mails.ts'

/** A server that this owner holds. */
async function owned({ token }: Owner): Promise<{ readonly server_id: string; readonly path: string }> {
  const body = { server_url: newServerUrl(), server_name: 'Team files', scopes: ['files:read'] }
  const { json } = await callApi('POST', '/api/servers', token, body)
  return { server_id: String(json.server_id), path: `/api/servers/${String(json.server_id)}` }
}

describe('a server registered in somebody’s name', () => {
  it('J2 waits for that person, and is theirs when they accept; the management token ends', async () => {
    const owner = await meetOwner()
    const { server_id, path, token } = await registerManaged({ user_id: owner.user_id })
    const offers = await callApi('GET', '/api/offers', owner.token)
    expect(offers.json).toMatchObject({ offers: [{ server_id, server_name: 'Team files' }] })
    expect((await callApi('GET', path, owner.token)).json).not.toHaveProperty('share_email')
    const accepted = await callApi('POST', `${path}/accept`, owner.token, {})
    expect([accepted.status, accepted.json.server_id]).toEqual([200, server_id])
    expect((await callApi('GET', '/api/servers', owner.token)).json).toMatchObject({ servers: [{ server_id }] })
    expect((await callApi('GET', path, token)).status).toBe(401)
    expect((await callApi('GET', '/api/offers', owner.token)).json).toEqual({ offers: [] })
  })

  it('J2 is declined, and goes on with its management token', async () => {
    const owner = await meetOwner()
    const { path, token } = await registerManaged({ user_id: owner.user_id })
    expect((await callApi('POST', `${path}/decline`, owner.token)).status).toBe(204)
    expect((await callApi('POST', `${path}/accept`, owner.token, {})).status).toBe(404)
    expect((await callApi('GET', path, token)).json).not.toHaveProperty('offered_to')
  })

  it('accepting may end the keys that were made before', async () => {
    const owner = await meetOwner()
    const { path, token } = await registerManaged({ user_id: owner.user_id })
    await callApi('POST', `${path}/keys`, token, { name: 'old' })
    await callApi('POST', `${path}/accept`, owner.token, { revoke_keys: true })
    const { json } = await callApi('GET', `${path}/keys`, owner.token)
    expect(json).toMatchObject({ keys: [{ name: 'old', revoked_at: expect.any(String) }] })
  })
})

describe('PUT /api/servers/:id/offer', () => {
  it('J22 hands a server over by address: both sides are told by mail, without a name that anybody chose', async () => {
    const [owner, heir] = [await meetOwner(), await meetOwner()]
    const { server_id, path } = await owned(owner)
    const offered = await callApi('PUT', `${path}/offer`, owner.token, { email: heir.email.toUpperCase() })
    expect(offered.json).toMatchObject({ offered_to: heir.email })
    const [told] = await mailsTo(heir.email)
    expect(told).toMatchObject({ subject: 'An MCP server is offered to you' })
    expect(told?.text).toContain(server_id)
    expect(told?.text).not.toContain('Team files')
    const { json } = await callApi('GET', '/api/offers', heir.token)
    expect(json).toMatchObject({ offers: [{ server_id, from_email: owner.email }] })
    expect((await callApi('POST', `${path}/accept`, heir.token, {})).status).toBe(200)
    expect((await callApi('PATCH', path, owner.token, { server_name: 'Mine' })).status).toBe(404)
    expect((await mailsTo(owner.email))[0]).toMatchObject({ subject: 'Your MCP server has a new owner' })
  })

  it('C6 mails one address a few times only, whoever offers; the offer itself stands', async () => {
    const heir = await meetOwner()
    for (let count = 0; count < 5; count += 1) {
      const { path, token } = await registerManaged()
      const { status, json } = await callApi('PUT', `${path}/offer`, token, { email: heir.email })
      expect([status, json.offered_to]).toEqual([200, heir.email])
    }
    const told = (await mailsTo(heir.email)).filter(({ subject }) => subject === 'An MCP server is offered to you')
    expect(told).toHaveLength(3)
    expect((await callApi('GET', '/api/offers', heir.token)).json.offers).toHaveLength(5)
  })

  it('is taken back by DELETE', async () => {
    const [owner, heir] = [await meetOwner(), await meetOwner()]
    const { path } = await owned(owner)
    await callApi('PUT', `${path}/offer`, owner.token, { email: heir.email })
    expect((await callApi('DELETE', `${path}/offer`, owner.token)).json).not.toHaveProperty('offered_to')
    expect((await callApi('POST', `${path}/accept`, heir.token, {})).status).toBe(404)
  })

  it('answers the same for an address that nobody has, and tells nobody', async () => {
    const owner = await meetOwner()
    const { path } = await owned(owner)
    const email = `nobody-${crypto.randomUUID()}@example.com`
    expect((await callApi('PUT', `${path}/offer`, owner.token, { email })).json).toMatchObject({ offered_to: email })
    expect(await mailsTo(email)).toEqual([])
  })

  it('is 409 for one’s own address, 400 for what is none, 404 for a stranger’s server (J3)', async () => {
    const owner = await meetOwner()
    const { path } = await owned(owner)
    expect((await callApi('PUT', `${path}/offer`, owner.token, { email: owner.email })).status).toBe(409)
    expect((await callApi('PUT', `${path}/offer`, owner.token, { email: 'nonsense' })).status).toBe(400)
    expect((await callApi('PUT', `${path}/offer`, owner.token, { email: 'a@example.com', note: 'x' })).status).toBe(400)
    const stranger = await registerManaged()
    expect((await callApi('PUT', `${stranger.path}/offer`, owner.token, { email: 'a@example.com' })).status).toBe(404)
  })
})
