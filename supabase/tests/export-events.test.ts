import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'

const database = await testDatabase()
type Event = { event_id: string; occurred_at: string; [member: string]: unknown }
const page = async (p_after: string | null = null, p_limit = 1000, span: Record<string, unknown> = {}) =>
  database.callAsOperator('export_events', { p_from: '2000-01-01', p_to: '2100-01-01', p_after, p_limit, ...span })
const eventsOf = async (...args: Parameters<typeof page>) => (await page(...args)).events as Event[]

test('exported: every event with its facts, oldest first, and no empty members', async () => {
  const person = await newPerson(database)
  const connection_id = await connect(database, person, await addServer(database))
  const events = await eventsOf()
  expect(events.find((event) => event.event === 'authorization_code.redeemed')).toMatchObject({
    account_id: person.account_id,
    connection_id,
    request_id: 'req_1',
    ip: '192.0.2.1',
  })
  const moments = events.map(({ occurred_at }) => Date.parse(occurred_at))
  expect(moments).toEqual([...moments].sort((one, other) => one - other))
  expect(JSON.stringify(events)).not.toMatch(/[:,[]null[,\]}]/)
  expect(JSON.stringify(events)).not.toContain(person.email)
})

test('pages hold each event once, also those of one moment', async () => {
  await database.query(
    "insert into mcp_data.audit_events (event, occurred_at) select 'code.sent', '2026-11-24 12:00:00.123457+00' from generate_series(1, 7)",
  )
  const all = (await eventsOf()).map(({ event_id }) => event_id)
  const seen: string[] = []
  let next: string | null = null
  do {
    const answer = await page(next, 2)
    seen.push(...(answer.events as Event[]).map(({ event_id }) => event_id))
    next = (answer.next as string | undefined) ?? null
  } while (next !== null)
  expect(seen).toEqual(all)
})

test('a span begins with its first moment and ends before its last', async () => {
  const span = { p_from: '2026-11-24T12:00:00.123457Z', p_to: '2026-11-24T12:00:00.123458Z' }
  expect(await eventsOf(null, 1000, span)).toHaveLength(7)
  expect(await eventsOf(null, 1000, { ...span, p_to: span.p_from })).toEqual([])
})
