import { beforeAll, expect, it } from 'vitest'
import {
  connect,
  house,
  isActive,
  type Owner,
  openServer,
  refresh,
  registerClient,
  tokensOf,
} from '../support/worker/flow.ts'
import type { Answer } from '../support/worker/house.ts'
import { changeConnection, connectionOf, eventsOf, sql } from '../support/worker/sql.ts'
import type { Fields } from '../worker/requests.ts'
import { meetVisitor } from '../worker/visitor.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

const dead = [400, 'invalid_grant']
const refusal = ({ status, json }: Answer) => [status, json?.error]
const rotate = async (token: string, fields: Fields = {}) => tokensOf(await refresh(token, fields))

it('G7 its client: another one is refused, and the connection stays (OAuth 2.1 §4.3.1)', async () => {
  const tokens = await connect(owner)
  expect(refusal(await refresh(tokens.refresh_token, { client_id: 'client_install_mcp' }))).toEqual(dead)
  expect((await refresh(tokens.refresh_token)).status).toBe(200)
  expect(await eventsOf(tokens.code)).toContain('refresh.reused')
})

it('G8 its scopes: a wider request is narrowed to the grant, a narrower one is kept to', async () => {
  const tokens = await connect(owner, { scope: 'files:read' })
  const wider = await rotate(tokens.refresh_token, { scope: 'files:read files:write admin' })
  expect(wider.scope).toBe('files:read')
  const both = await connect(owner)
  const narrower = await rotate(both.refresh_token, { scope: 'files:read' })
  expect(narrower.scope).toBe('files:read')
  // Narrowing is for one access token, not for the connection.
  expect((await rotate(narrower.refresh_token)).scope).toBe('files:read files:write')
})

it('G9 its resource: another one is invalid_grant, and nothing is rotated (INTEROP 4.2)', async () => {
  const tokens = await connect(owner)
  const elsewhere = await openServer()
  for (const resource of [elsewhere.server_url, 'https://[', 'https://example.com/#f']) {
    expect(refusal(await refresh(tokens.refresh_token, { resource }))).toEqual(dead)
  }
  expect((await refresh(tokens.refresh_token, { resource: owner.server_url })).status).toBe(200)
})

it('G10 what is registered and granted now: a scope that its owner removed is gone', async () => {
  const changing = await openServer()
  const tokens = await connect(changing)
  const headers = { authorization: `Bearer ${changing.management_token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ scopes: ['files:read'] })
  expect((await house.send(`/api/servers/${changing.server_id}`, { method: 'PATCH', headers, body })).status).toBe(200)
  expect((await rotate(tokens.refresh_token)).scope).toBe('files:read')
})

it.each([
  ['refresh_idle_expires_at', 'idle for 30 days'],
  ['refresh_expires_at', 'after 90 days in all'],
])('G11 its time: %s, %s', async (column) => {
  const tokens = await connect(owner)
  await changeConnection(
    tokens.code,
    `created_at = now() - interval '91 days', ${column} = now() - interval '1 second'`,
  )
  const answer = await refresh(tokens.refresh_token)
  expect([...refusal(answer), answer.json?.error_uri]).toEqual([...dead, `${house.issuer}/errors#refresh_expired`])
})

it('G11 its absolute end: rotation does not move it', async () => {
  const tokens = await connect(owner)
  const end = async () =>
    (
      await sql('select refresh_expires_at from mcp_data.connections where connection_id = $1', [
        connectionOf(tokens.code),
      ])
    )[0]
  const before = await end()
  await rotate(tokens.refresh_token)
  expect(await end()).toEqual(before)
})

it('G12 its kind: no access token and no code is a refresh token, nor the reverse', async () => {
  const tokens = await connect(owner)
  expect(refusal(await refresh(tokens.access_token))).toEqual(dead)
  expect(refusal(await refresh(tokens.code))).toEqual(dead)
  expect(await isActive(owner, tokens.refresh_token)).toBe(false)
  expect(await isActive(owner, tokens.code)).toBe(false)
})

it('G13 the life of its connection, account, client and server', async () => {
  const person = meetVisitor()
  const server = await openServer()
  const client_id = await registerClient()
  const tokens = await connect(server, { client_id }, person)
  const again = () => refresh(tokens.refresh_token, { client_id })
  const account = ['mcp_data.accounts', 'disabled_at', 'email', person.email]
  const client = ['mcp_data.clients', 'blocked_at', 'client_id', client_id]
  for (const [table, column, key, value] of [account, client]) {
    await sql(`update ${table} set ${column} = now() where ${key} = $1`, [value])
    const answer = await again()
    await sql(`update ${table} set ${column} = null where ${key} = $1`, [value])
    expect(refusal(answer), table).toEqual(dead)
  }
  await sql("update mcp_data.servers set status = 'suspended' where server_id = $1", [server.server_id])
  expect(refusal(await again())).toEqual(dead)
  await sql("update mcp_data.servers set status = 'verified' where server_id = $1", [server.server_id])
  expect((await again()).status).toBe(200)
})

it('G14 rows only: nothing that an isolate remembers revives a revoked token', async () => {
  const tokens = await connect(owner)
  await changeConnection(tokens.code, "revoked_at = now(), revoked_reason = 'test'")
  expect(refusal(await refresh(tokens.refresh_token))).toEqual(dead)
})

it('G15 ten calls a minute: then 429 with Retry-After, and the token stays good', async () => {
  const first = await connect(owner)
  let token = first.refresh_token
  for (let call = 0; call < 10; call++) token = (await rotate(token)).refresh_token
  const limited = await refresh(token)
  expect(refusal(limited)).toEqual([429, 'temporarily_unavailable'])
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
  await changeConnection(first.code, "refresh_window_at = now() - interval '61 seconds'")
  expect((await refresh(token)).status).toBe(200)
})

it('G16 its own install: another connection of the same client lives on', async () => {
  const person = meetVisitor()
  const [laptop, desktop] = [await connect(owner, {}, person), await connect(owner, {}, person)]
  await rotate((await rotate(laptop.refresh_token)).refresh_token)
  await refresh(laptop.refresh_token)
  expect(refusal(await refresh(laptop.refresh_token))).toEqual(dead)
  expect((await refresh(desktop.refresh_token)).status).toBe(200)
})
