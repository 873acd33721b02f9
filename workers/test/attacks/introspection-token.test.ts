import { beforeAll, expect, it } from 'vitest'
import {
  connect,
  house,
  introspect,
  isActive,
  type Owner,
  openServer,
  refresh,
  registerClient,
  revoke,
  type Tokens,
} from '../support/worker/flow.ts'
import { type Answer, openHouse, silentStore } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { meetVisitor } from '../worker/visitor.ts'

let owner: Owner
let tokens: Tokens
beforeAll(async () => {
  owner = await openServer()
  tokens = await connect(owner)
})

const refusal = ({ status, json }: Answer) => [status, json?.error]

it('H8 is inactive at once when it was revoked', async () => {
  const own = await connect(owner)
  expect(await isActive(owner, own.access_token)).toBe(true)
  await revoke(own.access_token)
  expect(await isActive(owner, own.access_token)).toBe(false)
})

it('H9 tells the e-mail only where the server registered with it (HTTP-API)', async () => {
  const discreet = await openServer(['files:read'], { share_email: false })
  const own = await connect(discreet, { scope: 'files:read' })
  const { json } = await introspect(discreet, own.access_token)
  expect(json?.active).toBe(true)
  expect(Object.keys(json ?? {})).not.toEqual(expect.arrayContaining(['email']))
  expect([json?.username, json?.email, json?.email_verified]).toEqual([undefined, undefined, undefined])
})

it('H10 is described with its exact audience and all that RFC 7662 §2.2 knows, nothing null', async () => {
  const { json, text, headers } = await introspect(owner, tokens.access_token)
  expect(Object.keys(json ?? {}).sort()).toEqual(
    'active aud auth_time client_id email email_verified exp iat iss jti scope server_id sub token_type username'.split(
      ' ',
    ),
  )
  expect(json).toMatchObject({
    active: true,
    aud: owner.server_url,
    iss: house.issuer,
    client_id: 'client_claude_code',
    scope: 'files:read files:write',
    token_type: 'Bearer',
    server_id: owner.server_id,
  })
  expect(text).not.toMatch(/[:[,]null/)
  expect(headers.get('cache-control')).toBe('no-store')
})

it('H11 is an access token: refresh tokens, codes and ID tokens are inactive', async () => {
  const own = await connect(owner, { scope: 'openid files:read' })
  for (const token of [own.refresh_token, own.code, own.id_token ?? ''])
    expect(await isActive(owner, token)).toBe(false)
})

it('H14 is inactive at the next call when account, client, server or issuer epoch ended it', async () => {
  const person = meetVisitor()
  const client_id = await registerClient()
  const server = await openServer()
  const own = await connect(server, { client_id }, person)
  const switches = [
    ['mcp_data.accounts', 'disabled_at', 'email', person.email],
    ['mcp_data.clients', 'blocked_at', 'client_id', client_id],
    ['mcp_data.connections', 'code_redeemed_at', 'client_id', client_id],
  ]
  for (const [table, column, key, value] of switches) {
    const [on, off] = column === 'code_redeemed_at' ? ['null', 'now()'] : ['now()', 'null']
    await sql(`update ${table} set ${column} = ${on} where ${key} = $1`, [value])
    expect(await isActive(server, own.access_token), table).toBe(false)
    await sql(`update ${table} set ${column} = ${off} where ${key} = $1`, [value])
  }
  expect(await isActive(server, own.access_token)).toBe(true)
  // The key of a suspended server is no credential any more, which is the stronger answer.
  await sql("update mcp_data.servers set status = 'suspended' where server_id = $1", [server.server_id])
  expect(refusal(await introspect(server, own.access_token))).toEqual([401, 'invalid_client'])
})

it('H15 ends at its exp, by the clock of the database', async () => {
  const { keys, config } = house.dependencies
  const claims = JSON.parse(
    atob((tokens.access_token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')),
  ) as Record<string, number>
  const nowSeconds = Math.floor(Date.now() / 1000)
  const old = await keys.sign('at+jwt', { ...claims, iss: config.issuer, exp: nowSeconds })
  const fresh = await keys.sign('at+jwt', { ...claims, iss: config.issuer, exp: nowSeconds + 60 })
  expect([await isActive(owner, old), await isActive(owner, fresh)]).toEqual([false, true])
})

it('is ours by signature, type and issuer, checked before the database is asked', async () => {
  const quiet = openHouse({ dependencies: { store: silentStore } })
  const { keys } = house.dependencies
  const claims = { iss: 'https://elsewhere.example', sub: 'x', aud: owner.server_url, exp: 9_999_999_999 }
  const unsigned = `${btoa('{"alg":"none","typ":"at+jwt"}')}.${btoa('{}')}.`
  for (const token of [await keys.sign('at+jwt', claims), await keys.sign('JWT', claims), unsigned]) {
    expect((await introspect(owner, token, quiet)).text).toBe('{"active":false}')
  }
})

it('keeps saying what was granted after a refresh', async () => {
  const own = await connect(owner)
  await refresh(own.refresh_token)
  expect(await isActive(owner, own.access_token)).toBe(true)
})
