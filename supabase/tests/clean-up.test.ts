import { describe, expect, test } from 'vitest'
import { addKey, addServer, newBrowser, newPerson, open, type Server, sendCode } from './support/builders.ts'
import { personalCaller } from './support/callers.ts'
import { approve, connect, refresh } from './support/connections.ts'
import { atOneMoment, testDatabase } from './support/database.ts'
import { digest, keyId, preRegistered } from './support/values.ts'

const database = await testDatabase()
const cleanUp = (p_batch = 1000, p_retention: Record<string, number> | undefined = undefined, where = database) =>
  where.call('clean_up', { p_batch, p_retention })
const count = async (table: string, where = database) =>
  Number((await where.query(`select count(*) as n from mcp_data.${table}`))[0]?.n)
const day = 86_400

test('cleaned: nothing that is alive is removed', async () => {
  const server = await addServer(database)
  await addKey(database, server)
  const person = await newPerson(database)
  await connect(database, person, server)
  await open(database, person, { resource: server.server_url })
  const answer = await cleanUp()
  expect(answer).toEqual({
    outcome: 'cleaned',
    rows: {
      transactions: 0,
      sessions: 0,
      limits: 0,
      idempotency_keys: 0,
      client_assertions: 0,
      connections: 0,
      keys: 0,
      personal_tokens: 0,
      servers: 0,
      usage_days: 0,
      usage_clients: 0,
      webhook_messages: 0,
      audit_months: 0,
    },
    more: false,
  })
})

test('decision 4: what has ended goes away after its retention', async () => {
  const server = await addServer(database)
  const pending = await addServer(database, {}, 'pending')
  await addKey(database, server, { expires_in_seconds: 60 })
  const person = await newPerson(database)
  await connect(database, person, server)
  await approve(database, person, server)
  const browser = newBrowser()
  await sendCode(database, browser, (await open(database, browser, { resource: server.server_url })).id, 'a@b.example')
  await database.passTime(2 * 3600)
  await cleanUp()
  expect(await count('transactions')).toBe(0)
  expect(await count('email_challenges')).toBe(0)
  expect(await database.query('select from mcp_data.connections where code_redeemed_at is null', [])).toEqual([])
  await database.passTime(15 * day)
  await cleanUp()
  expect(await count('sessions')).toBe(0)
  expect(await count('limits')).toBe(0)
  expect(await database.query('select from mcp_data.servers where server_id = $1', [pending.server_id])).toEqual([])
  await database.passTime(130 * day)
  await cleanUp()
  expect(await count('connections')).toBe(0)
  expect(await database.query('select from mcp_data.servers where server_id = $1', [server.server_id])).toHaveLength(1)
})

test('a personal token stays 90 days after its end, an idempotency key a day, the use of a day 400 days', async () => {
  const person = await newPerson(database)
  await personalCaller(database, person)
  await database.query('delete from mcp_data.usage_days')
  const server = await addServer(database)
  await connect(database, person, server)
  const p_idempotency = { key_digest: digest('key'), body_digest: digest('body') }
  await database.call('create_key', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_key: { key_id: keyId(), digest: digest('k'), kid: 'k1', name: 'ci', last_four: 'wxyz' },
    p_limits: { keys: 10 },
    p_idempotency,
  })
  const counts = async () => [
    await count('idempotency_keys'),
    await count('personal_tokens'),
    await count('usage_days'),
  ]
  await database.passTime(2 * day)
  await cleanUp()
  expect(await counts()).toEqual([0, 1, 1])
  await database.passTime(90 * day)
  // A day more than that: a server may be a time zone behind UTC, in which the days are counted.
  await database.query('update mcp_data.usage_days set day = day - 402')
  await cleanUp()
  expect(await counts()).toEqual([0, 0, 0])
})

describe('the names of clients on the pages of usage', () => {
  const another = { ...preRegistered, client_id: 'client_install_mcp', client_name: 'install-mcp' }
  const ageUsage = (server: Server, clientId: string, days: number) =>
    database.query(
      `update mcp_data.usage_days set day = day - $3::integer
       where server_id = $1 and client_id_digest = sha256(convert_to($2, 'UTF8'))`,
      [server.server_id, clientId, days],
    )
  const namesOf = async ({ server_id }: Server) =>
    (
      await database.query('select client_name from mcp_data.usage_clients where server_id = $1 order by 1', [
        server_id,
      ])
    ).map(({ client_name }) => client_name)
  const loopback = { redirect_uri: 'http://localhost/callback' }

  test('go with the last of their days at that server, and no others', async () => {
    const [server, other] = [await addServer(database), await addServer(database)]
    const person = await newPerson(database)
    for (const at of [server, other]) await connect(database, person, at, loopback, preRegistered)
    await connect(database, person, server, loopback, another)
    await ageUsage(server, preRegistered.client_id, 401)
    await connect(database, person, server, loopback, preRegistered)
    await cleanUp()
    expect(await namesOf(server)).toEqual(['Claude Code', 'install-mcp'])
    await ageUsage(server, preRegistered.client_id, 401)
    expect(await cleanUp()).toMatchObject({ rows: { usage_days: 1, usage_clients: 1 } })
    expect([await namesOf(server), await namesOf(other)]).toEqual([['install-mcp'], ['Claude Code']])
  })

  test('go in batches, each name once its days are gone', async () => {
    const server = await addServer(database)
    const person = await newPerson(database)
    await connect(database, person, server, loopback, preRegistered)
    const text = `insert into mcp_data.usage_days (server_id, day, client_id_digest, shard)
      select d.server_id, d.day - n, d.client_id_digest, 0 from mcp_data.usage_days d, generate_series(1, 6) n where d.server_id = $1`
    await database.query(text, [server.server_id])
    await ageUsage(server, preRegistered.client_id, 401)
    expect(await cleanUp(3)).toMatchObject({ rows: { usage_days: 3, usage_clients: 0 }, more: true })
    expect(await namesOf(server)).toEqual(['Claude Code'])
    expect(await cleanUp(3)).toMatchObject({ rows: { usage_days: 3, usage_clients: 0 }, more: true })
    expect(await cleanUp(3)).toMatchObject({ rows: { usage_days: 1, usage_clients: 1 }, more: false })
  })

  test('go also where two clean-ups take the last days of a name between them', async () => {
    const person = await newPerson(database)
    for (let round = 0; round < 20; round += 1) {
      const server = await addServer(database)
      await connect(database, person, server, loopback, preRegistered)
      const text = `insert into mcp_data.usage_days (server_id, day, client_id_digest, shard)
        select d.server_id, d.day - n, d.client_id_digest, 0 from mcp_data.usage_days d, generate_series(1, 5) n where d.server_id = $1`
      await database.query(text, [server.server_id])
      await ageUsage(server, preRegistered.client_id, 401)
      const answers = await Promise.all([cleanUp(3), cleanUp(3)])
      expect(answers.map(({ rows }) => (rows as { usage_days: number }).usage_days)).toEqual([3, 3])
      expect(await namesOf(server)).toEqual([])
    }
  })

  test('come back with the next refresh of a connection that lived on', async () => {
    const server = await addServer(database)
    const connectionId = await connect(database, await newPerson(database), server, loopback, preRegistered)
    await ageUsage(server, preRegistered.client_id, 401)
    await cleanUp()
    expect(await namesOf(server)).toEqual([])
    expect(await refresh(database, connectionId, 1, { p_client_id: preRegistered.client_id })).toMatchObject({
      outcome: 'rotated',
    })
    expect(await namesOf(server)).toEqual(['Claude Code'])
  })
})

test('a revoked connection stays 30 days, a deleted server 90 (J25)', async () => {
  const server = await addServer(database)
  const connectionId = await connect(database, await newPerson(database), server)
  await database.call('delete_server', { p_server_id: server.server_id, p_caller: server.caller })
  const exists = async () => ({
    connection:
      (await database.query('select from mcp_data.connections where connection_id = $1', [connectionId])).length === 1,
    server:
      (await database.query('select from mcp_data.servers where server_id = $1', [server.server_id])).length === 1,
  })
  await database.passTime(29 * day)
  await cleanUp()
  expect(await exists()).toEqual({ connection: true, server: true })
  await database.passTime(2 * day)
  await cleanUp()
  expect(await exists()).toEqual({ connection: false, server: true })
  await database.passTime(60 * day)
  await cleanUp()
  expect(await exists()).toEqual({ connection: false, server: false })
})

test('batches are bounded and say when there is more', async () => {
  const server = await addServer(database)
  for (let n = 0; n < 5; n++) await open(database, newBrowser(), { resource: server.server_url })
  await database.passTime(2 * 3600)
  expect(await cleanUp(3)).toMatchObject({ rows: { transactions: 3 }, more: true })
  expect(await cleanUp(3)).toMatchObject({ rows: { transactions: 2 }, more: false })
  expect(await cleanUp(3, { transaction_seconds: 0 })).toMatchObject({ rows: { transactions: 0 } })
})

test('audit months are made ahead, protected like every table, and dropped after their retention (SECURITY §28)', async () => {
  await atOneMoment(database, async (still) => {
    const [month] = await still.query(
      `select to_char(d.moment, 'YYYY_MM') as current, to_char(d.moment + interval '2 months', 'YYYY_MM') as last
       from (select now() at time zone 'UTC' as moment) d`,
    )
    await still.query(`drop table if exists mcp_data.audit_events_${month?.last}`)
    await cleanUp(1000, undefined, still)
    const partitions = () =>
      still.query(
        "select c.relname, c.relrowsecurity and c.relforcerowsecurity as guarded from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'mcp_data.audit_events'::regclass order by 1",
      )
    const before = await partitions()
    expect(before.length).toBeGreaterThanOrEqual(4)
    expect(before.every((row) => row.guarded)).toBe(true)
    const names = before.map((row) => row.relname)
    expect(names).toEqual(expect.arrayContaining([month?.current, month?.last].map((name) => `audit_events_${name}`)))
    await still.query(`
      create table mcp_data.audit_events_2020_01 partition of mcp_data.audit_events for values from ('2020-01-01Z') to ('2020-02-01Z');
      insert into mcp_data.audit_events (event, occurred_at) values ('code.sent', '2020-01-05Z'), ('code.sent', '2020-03-05Z');
      alter table mcp_data.audit_events_2020_01 owner to mcp_owner`)
    expect(await cleanUp(1000, undefined, still)).toMatchObject({ rows: { audit_months: 1 } })
    expect(await partitions()).toEqual(before)
    expect(await count('audit_events_default', still)).toBe(0)
  })
})
