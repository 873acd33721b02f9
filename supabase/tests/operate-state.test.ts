import { expect, test } from 'vitest'
import { testDatabase } from './support/database.ts'
import { operate } from './support/operator.ts'

const database = await testDatabase()
const findings = async () => (await operate(database, 'read_state')).findings

/** Runs the statement, looks, and takes it back. */
async function withDamage(damage: string, repair: string): Promise<unknown> {
  await database.query(damage)
  try {
    return await findings()
  } finally {
    await database.query(repair)
  }
}

test('read: facts of the deployment, every function with its fingerprint, and no finding', async () => {
  const state = await operate(database, 'read_state')
  expect(state).toMatchObject({
    outcome: 'read',
    schema_version: expect.stringMatching(/^\d{14}$/),
    issuer_epoch: 1,
    switches: { registration: true, email_sign_in: true, documents: true },
    findings: [],
    counts: { accounts: 0, servers: 0, connections: 0 },
  })
  const functions = state.functions as Record<string, string>
  expect(functions['mcp.read_readiness()']).toMatch(/^[0-9a-f]{16}$/)
  expect(Object.keys(functions).length).toBeGreaterThan(100)
})

test('a function that was changed by hand, or granted to somebody, has another fingerprint', async () => {
  const name = 'mcp.read_switches()'
  const print = async () => ((await operate(database, 'read_state')).functions as Record<string, string>)[name]
  const before = await print()
  await database.query(`grant execute on function ${name} to anon`)
  expect(await print()).not.toBe(before)
  await database.query(`revoke execute on function ${name} from anon`)
  expect(await print()).toBe(before)
  await database.query(`alter function ${name} volatile`)
  expect(await print()).not.toBe(before)
})

test.each([
  [
    'grant execute on function mcp.read_readiness() to anon',
    'revoke execute on function mcp.read_readiness() from anon',
    ['role anon may execute mcp.read_readiness()'],
  ],
  [
    'grant usage on schema mcp_data to authenticated',
    'revoke usage on schema mcp_data from authenticated',
    ['role authenticated may use schema mcp_data'],
  ],
  [
    'alter table mcp_data.accounts no force row level security',
    'alter table mcp_data.accounts force row level security',
    ['table mcp_data.accounts has no forced row level security'],
  ],
])('a finding a sentence: %s (SECURITY §27)', async (damage, repair, expected) => {
  expect(await withDamage(damage, repair)).toEqual(expected)
})

test('a finding where nobody has made the audit partition of next month (SECURITY §28)', async () => {
  const [row] = await database.query("select to_char(now() + interval '1 month', 'YYYY_MM') as month")
  await database.query(`drop table mcp_data.audit_events_${row?.month}`)
  expect(await findings()).toEqual([
    'no partition for the audit events of next month: the scheduled clean-up does not run',
  ])
})
