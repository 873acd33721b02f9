import { expect, test } from 'vitest'
import { addKey, addServer } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { eventsOf, operate } from './support/operator.ts'

const database = await testDatabase()

type Step = { step: string; kid: string; present: string[]; [more: string]: unknown }
const change = (kind: string, step: Step) => operate(database, 'change_keys', { kind, ...step })

test('noted, exists, too_many, unknown_step: a new pepper comes beside at most one old one', async () => {
  const add = { step: 'add', kid: 'k2', present: ['k1'] }
  expect(await change('token_peppers', add)).toEqual({
    outcome: 'noted',
    kind: 'token_peppers',
    kid: 'k2',
    step: 'add',
  })
  expect(await change('token_peppers', add)).toEqual({ outcome: 'exists' })
  expect(await change('token_peppers', { step: 'add', kid: 'k3', present: ['k2', 'k1'] })).toEqual({
    outcome: 'too_many',
  })
  expect(await change('token_peppers', { ...add, step: 'turn' })).toEqual({ outcome: 'unknown_step' })
  expect(await eventsOf(database, 'operator.key_added')).toMatchObject([
    { detail: { kind: 'token_peppers', kid: 'k2' }, user_agent: 'ops by alice' },
  ])
})

test('too_early, in_use: a pepper is known to every isolate before it writes (SECURITY §6)', async () => {
  const use = { step: 'use', kid: 'k2', present: ['k1', 'k2'] }
  expect(await change('token_peppers', use)).toMatchObject({ outcome: 'too_early' })
  await database.passTime(900)
  expect(await change('token_peppers', { ...use, kid: 'k1' })).toEqual({ outcome: 'in_use' })
  expect(await change('token_peppers', use)).toMatchObject({ outcome: 'noted' })
  expect(await eventsOf(database, 'operator.key_used')).toMatchObject([{ detail: { kid: 'k2' } }])
})

test('M4 still_needed: a pepper stays while anything alive was digested under it, and goes when nothing is', async () => {
  const server = await addServer(database)
  await addKey(database, server, { expires_in: 3600 })
  const drop = { step: 'drop', kid: 'k1', present: ['k2', 'k1'] }
  const refused = await change('token_peppers', drop)
  expect(refused).toMatchObject({
    outcome: 'still_needed',
    uses: { api_keys: { count: 1 }, management_tokens: { count: 1 } },
  })
  await database.query('update mcp_data.server_keys set revoked_at = now()')
  await database.query('update mcp_data.management_tokens set revoked_at = now()')
  expect(await change('token_peppers', drop)).toMatchObject({ outcome: 'noted' })
  expect(await eventsOf(database, 'operator.key_dropped')).toMatchObject([{ detail: { kid: 'k1' } }])
})

test('in_use, not_found: the newest key never goes, nor one that the Worker does not have', async () => {
  const drop = (kid: string, when?: string) =>
    change('cookie_keys', { step: 'drop', kid, present: ['c2', 'c1'], ...(when && { when }) })
  expect(await drop('c2')).toEqual({ outcome: 'in_use' })
  expect(await drop('c2', 'now')).toEqual({ outcome: 'in_use' })
  expect(await drop('c9')).toEqual({ outcome: 'not_found' })
})

test('too_early, then noted: a cookie key goes a day after its successor came', async () => {
  const drop = () => change('cookie_keys', { step: 'drop', kid: 'c1', present: ['c2', 'c1'] })
  expect(await drop()).toMatchObject({ outcome: 'too_early', at: expect.any(String) })
  await database.passTime(86_400)
  expect(await drop()).toMatchObject({ outcome: 'noted' })
})

test('too_early: a signing key signs a day after it was published, and the old one goes when what it signed has expired', async () => {
  const signing = (step: string, kid: string, published: string[], present = ['s2', 's1']) =>
    change('signing_keys', { step, kid, present, published, wait_seconds: 7200 })
  expect(await signing('add', 's2', [], ['s1'])).toMatchObject({ outcome: 'noted' })
  expect(await signing('use', 's2', ['s2'])).toMatchObject({ outcome: 'too_early' })
  expect(await signing('drop', 's1', ['s2'])).toEqual({ outcome: 'in_use' })
  await database.passTime(86_400)
  expect(await signing('use', 's2', ['s2'])).toMatchObject({ outcome: 'noted' })
  expect(await signing('use', 's2', [])).toEqual({ outcome: 'in_use' })
  expect(await signing('use', 's9', [])).toEqual({ outcome: 'not_found' })
  await database.passTime(7_100)
  expect(await signing('drop', 's1', [])).toMatchObject({ outcome: 'too_early' })
  await database.passTime(200)
  expect(await signing('drop', 's1', [])).toMatchObject({ outcome: 'noted' })
})

test('never: a registration key is added to and not dropped, but where it has to go now', async () => {
  const step = (name: string, present: string[]) => change('registration_keys', { step: name, kid: 'r2', present })
  expect(await step('add', ['r1'])).toMatchObject({ outcome: 'noted' })
  await database.passTime(900)
  expect(await step('use', ['r1', 'r2'])).toMatchObject({ outcome: 'noted' })
  const drop = { step: 'drop', kid: 'r1', present: ['r2', 'r1'] }
  await database.passTime(31_536_000)
  expect(await change('registration_keys', drop)).toEqual({ outcome: 'never' })
  expect(await change('registration_keys', { ...drop, when: 'now', reason: 'leaked' })).toMatchObject({
    outcome: 'noted',
  })
  expect((await eventsOf(database, 'operator.key_dropped'))[0]).toMatchObject({
    reason: 'leaked',
    detail: { kid: 'r1', when: 'now' },
  })
})

test('a key that was there before anybody kept book waits as if it had come now', async () => {
  const drop = { step: 'drop', kid: 'x1', present: ['x2', 'x1'], wait_seconds: 3600 }
  expect(await change('signing_keys', { ...drop, published: [] })).toMatchObject({ outcome: 'too_early' })
})

test('M4 whatever is stored under a pepper is counted before the pepper may go', async () => {
  const columns = await database.query(
    `select c.relname::text as table, a.attname::text as column from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'mcp_data'::regnamespace and c.relkind = 'r' and a.attname ~ '(^|_)kid$' and not a.attisdropped
     order by 1, 2`,
  )
  const [counted] = await database.query("select prosrc from pg_proc where proname = 'key_uses'")
  // The book itself; and codes of a sign-in, which is counted and lives as long as they do.
  const others = ['worker_keys', 'email_challenges']
  const stored = columns.filter(({ table }) => !others.includes(String(table)))
  expect(stored.length).toBeGreaterThan(6)
  const isCounted = ({ table, column }: Record<string, unknown>) =>
    new RegExp(`\\w\\.${column}(?:(?!union).)*? from mcp_data\\.${table} `).test(
      String(counted?.prosrc).replaceAll('\n', ' '),
    )
  expect(stored.filter((one) => !isCounted(one))).toEqual([])
})
