import { expect, it } from 'vitest'
import { connect, house, type Owner } from '../support/worker/flow.ts'
import { connectionOf } from '../support/worker/sql.ts'
import { meetOwner, newServerUrl } from './api-requests.ts'
import { meetVisitor } from './visitor.ts'

/** The database calls of each request, in order. */
async function callsOf(requests: Readonly<Record<string, () => Promise<{ status: number }>>>) {
  const calls: Record<string, readonly string[]> = {}
  for (const [name, request] of Object.entries(requests)) {
    house.calls.length = 0
    const { status } = await request()
    if (status >= 400) throw new Error(`${name} answered ${status}`)
    calls[name] = [...house.calls]
  }
  return calls
}

it('each request of the management API makes one database call (ARCHITECTURE decision 1)', async () => {
  const { token } = await meetOwner()
  const call = (method: string, path: string, body?: object) =>
    house.send(path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
  const server_url = newServerUrl()
  const made = await call('POST', '/api/servers', { server_url, server_name: 'Calls', scopes: ['files:read'] })
  const server_id = String(made.json?.server_id)
  const path = `/api/servers/${server_id}`
  const { access_token } = await connect({ server_id, server_url } as Owner, { scope: 'files:read' })
  const key = String((await call('POST', `${path}/keys`, { name: 'x' })).json?.key_id)
  expect(
    await callsOf({
      servers: () => call('GET', '/api/servers'),
      server: () => call('GET', path),
      change: () => call('PATCH', path, { server_name: 'Other' }),
      keys: () => call('GET', `${path}/keys`),
      key: () => call('POST', `${path}/keys`, { name: 'y' }),
      revoke: () => call('DELETE', `${path}/keys/${key}`),
      connections: () => call('GET', `${path}/connections`),
      cut: () => call('DELETE', `${path}/connections/${connectionOf(access_token)}`),
      events: () => call('GET', `${path}/events`),
      usage: () => call('GET', `${path}/usage`),
      authorizations: () => call('GET', `${path}/authorizations`),
      rule: () => call('POST', `${path}/client-rules`, { effect: 'block', host: 'evil.example' }),
      rules: () => call('GET', `${path}/client-rules`),
      webhook: () => call('POST', `${path}/webhooks`, { url: 'https://hooks.example.com/x' }),
      webhooks: () => call('GET', `${path}/webhooks`),
      offer: () => call('PUT', `${path}/offer`, { email: 'heir@example.com' }),
      offers: () => call('GET', '/api/offers'),
      token: () => call('POST', '/api/tokens', { name: 't', scopes: ['servers:read'] }),
      tokens: () => call('GET', '/api/tokens'),
      delete: () => call('DELETE', path),
    }),
  ).toEqual({
    servers: ['list_servers'],
    server: ['read_server'],
    change: ['update_server'],
    keys: ['list_keys'],
    key: ['create_key'],
    revoke: ['revoke_key'],
    connections: ['list_server_connections'],
    cut: ['revoke_server_connection'],
    events: ['list_server_events'],
    usage: ['read_server_usage'],
    authorizations: ['list_authorizations'],
    rule: ['create_client_rule'],
    rules: ['list_client_rules'],
    webhook: ['create_webhook'],
    webhooks: ['list_webhooks'],
    offer: ['offer_server'],
    offers: ['list_offers'],
    token: ['create_personal_token'],
    tokens: ['list_personal_tokens'],
    delete: ['delete_server'],
  })
})

it('the dashboard reads the server and what its page shows, no more; without a session it asks nothing (M8)', async () => {
  const visitor = meetVisitor()
  const asked = await visitor.open('/dashboard')
  const code = await visitor.follow(
    await visitor.submit(await visitor.follow(asked), '/sign-in', { email: visitor.email }),
  )
  await visitor.follow(await visitor.submit(code, '/sign-in/code', { code: await visitor.nextCode() }))
  const fields = { act: 'register', url: newServerUrl(), name: 'Calls', scope: 'files:read' }
  const path = (await visitor.submit(await visitor.open('/dashboard'), '/dashboard', fields)).location?.pathname ?? ''
  const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const open = (rest: string, headers = { cookie }) => house.send(rest, { headers })
  expect(
    await callsOf({
      servers: () => open('/dashboard'),
      tokens: () => open('/dashboard/tokens'),
      overview: () => open(path),
      keys: () => open(`${path}/keys`),
      clients: () => open(`${path}/clients`),
      usage: () => open(`${path}/usage`),
      authorizations: () => open(`${path}/authorizations`),
      events: () => open(`${path}/events`),
      webhooks: () => open(`${path}/webhooks`),
      nobody: () => open(`${path}/events`, { cookie: '' }),
    }),
  ).toEqual({
    servers: ['list_servers', 'list_offers'],
    tokens: ['list_personal_tokens'],
    overview: ['read_server'],
    keys: ['read_server', 'list_keys'],
    clients: ['read_server', 'list_client_rules', 'list_server_connections'],
    usage: ['read_server', 'read_server_usage'],
    authorizations: ['read_server', 'list_authorizations'],
    events: ['read_server', 'list_server_events'],
    webhooks: ['read_server', 'list_webhooks'],
    nobody: [],
  })
})
