import { expect, it } from 'vitest'
import { connectionOf, sql } from '../support/worker/sql.ts'
import { callApi, ownerToken, registerManaged } from '../worker/api-requests.ts'

const denials = (column: string, value: string) =>
  sql(
    `select reason, detail->>'asked' as asked from mcp_data.audit_events
     where event = 'management.denied' and ${column} = $1 order by occurred_at, reason`,
    [value],
  )

it('M13 J3 a good credential that asks for what is not its own leaves an event of its caller, before the answer', async () => {
  const token = await ownerToken('servers:read')
  const theirs = await registerManaged()
  expect((await callApi('PATCH', theirs.path, token, { server_name: 'Mine' })).status).toBe(403)
  expect((await callApi('GET', `${theirs.path}/keys`, token)).status).toBe(404)
  expect(await denials('connection_id', connectionOf(token))).toEqual([
    { reason: 'management_scope_missing', asked: 'servers:write' },
    { reason: 'server_not_found', asked: theirs.server_id },
  ])
  expect(await denials('server_id', theirs.server_id)).toEqual([])
})

it('M13 a management token at another server leaves an event at its own', async () => {
  const own = await registerManaged()
  const other = await registerManaged()
  expect((await callApi('DELETE', other.path, own.token)).status).toBe(404)
  expect(await denials('server_id', own.server_id)).toEqual([{ reason: 'server_not_found', asked: other.server_id }])
})

it('M8 what no good credential asked leaves nothing, and a flood of a good one leaves ten a minute', async () => {
  const own = await registerManaged()
  const other = await registerManaged()
  const all = () => sql("select count(*) as n from mcp_data.audit_events where event = 'management.denied'")
  const before = await all()
  expect((await callApi('DELETE', other.path)).status).toBe(401)
  const altered = `${own.token.slice(0, -1)}${own.token.endsWith('x') ? 'y' : 'x'}`
  expect((await callApi('DELETE', other.path, altered)).status).toBe(401)
  expect((await callApi('GET', `/api/servers/srv_${'x'.repeat(22)}`)).status).toBe(404)
  expect(await all()).toEqual(before)
  for (let asked = 0; asked < 12; asked += 1) await callApi('DELETE', other.path, own.token)
  expect(await denials('server_id', own.server_id)).toHaveLength(10)
})
