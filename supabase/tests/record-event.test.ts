import { expect, test } from 'vitest'
import { newPerson } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { request } from './support/values.ts'

const database = await testDatabase()

test('recorded: who, what and why are columns, the rest is detail (SECURITY §28)', async () => {
  const { account_id } = await newPerson(database)
  const p_detail = { account_id, client_id: 'c', server_id: 's', connection_id: 'n', count: 2 }
  const args = { p_event: 'management.denied', p_reason: 'scope_missing', p_detail, p_request: request }
  expect(await database.call('record_event', args)).toEqual({ outcome: 'recorded' })
  const rows = await database.query(
    "select account_id, client_id, server_id, connection_id, reason, detail, request_id, ip, user_agent from mcp_data.audit_events where event = 'management.denied'",
  )
  expect(rows).toEqual([
    {
      account_id,
      client_id: 'c',
      server_id: 's',
      connection_id: 'n',
      reason: 'scope_missing',
      detail: { count: 2 },
      ...request,
    },
  ])
})

test('a name that is no event is refused as a defect', async () => {
  await expect(database.call('record_event', { p_event: 'drop table', p_reason: null, p_detail: {} })).rejects.toThrow(
    'audit_events_event_has_its_shape',
  )
})
