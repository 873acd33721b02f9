import { describe, expect, it } from 'vitest'
import { forgetClients } from '../../src/clients/find-client.ts'
import {
  authorize,
  connect,
  exchange,
  house,
  isActive,
  openServer,
  refresh,
  registerClient,
} from '../support/worker/flow.ts'
import { callApi } from '../worker/api-requests.ts'
import { authorizeUrl } from '../worker/requests.ts'

const path = ({ server_id }: { readonly server_id: string }) => `/api/servers/${server_id}/client-rules`

describe('which clients a server takes', () => {
  it('A36 M12 a blocked client is out at once: its tokens are dead and /authorize turns it away', async () => {
    const owner = await openServer()
    const client_id = await registerClient()
    const fields = { client_id }
    const [bad, good] = [await connect(owner, fields), await connect(owner)]
    const rule = await callApi('POST', path(owner), owner.management_token, { effect: 'block', client_id })
    expect([rule.status, rule.json.connections_ended]).toEqual([201, 1])
    expect(await isActive(owner, bad.access_token)).toBe(false)
    expect((await refresh(bad.refresh_token, { client_id })).json?.error).toBe('invalid_grant')
    expect(await isActive(owner, good.access_token)).toBe(true)
    const { headers } = await house.send(authorizeUrl({ ...fields, resource: owner.server_url }).toString())
    expect(new URL(headers.get('location') ?? 'x:').searchParams.get('error')).toBe('unauthorized_client')
  })

  it('A36 a policy that is made stricter counts at /token, refresh and introspection in the one call each makes', async () => {
    forgetClients()
    const owner = await openServer()
    const tokens = await connect(owner)
    const grant = await authorize({ resource: owner.server_url })
    await callApi('PATCH', `/api/servers/${owner.server_id}`, owner.management_token, { client_policy: 'listed' })
    house.calls.length = 0
    expect(await isActive(owner, tokens.access_token)).toBe(false)
    expect((await refresh(tokens.refresh_token)).json?.error).toBe('invalid_grant')
    expect((await exchange(grant)).json?.error).toBe('invalid_grant')
    expect(house.calls).toEqual(['introspect_token', 'rotate_refresh_token', 'exchange_authorization_code'])
    await callApi('POST', path(owner), owner.management_token, { effect: 'allow', client_id: 'client_claude_code' })
    expect(await isActive(owner, tokens.access_token)).toBe(true)
  })

  it('lists rules, is 409 for a second one of the same subject, and takes one away', async () => {
    const owner = await openServer()
    const rule = { effect: 'block', host: 'app.example.com' }
    const { json } = await callApi('POST', path(owner), owner.management_token, rule)
    expect((await callApi('POST', path(owner), owner.management_token, rule)).status).toBe(409)
    expect((await callApi('GET', path(owner), owner.management_token)).json).toMatchObject({ rules: [rule] })
    const one = `${path(owner)}/${String(json.rule_id)}`
    expect((await callApi('DELETE', one, owner.management_token)).status).toBe(204)
    expect((await callApi('DELETE', one, owner.management_token)).status).toBe(404)
  })

  it.each([
    [{ effect: 'block' }, 'one of them'],
    [{ effect: 'block', host: 'a.example', client_id: 'x' }, 'one of them'],
    [{ effect: 'deny', host: 'a.example' }, 'effect must be'],
    [{ effect: 'block', host: 'A.example' }, 'host must be'],
    [{ effect: 'block', host: 'https://a.example' }, 'host must be'],
    [{ effect: 'block', client_id: 'a b' }, 'client_id must be'],
    [{ effect: 'block', host: 'a.example', server_id: 'x' }, 'server_id is not known'],
  ])('J7 refuses the rule %j', async (rule, sentence) => {
    const owner = await openServer()
    const { status, json } = await callApi('POST', path(owner), owner.management_token, rule)
    expect(status).toBe(400)
    expect(json.error_description).toContain(sentence)
  })
})
