import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import worker from '../../src/index.ts'
import { runScheduled } from '../../src/scheduled.ts'
import { house } from '../support/worker/flow.ts'
import { brokenStore, openHouse } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'

it('M11 says ok, and nothing of environment or versions', async () => {
  for (const path of ['/health', '/ready']) {
    const { status, text } = await house.send(path)
    expect([status, text]).toEqual([200, '{"status":"ok"}'])
  }
})

it('is healthy but not ready while the database is away', async () => {
  const broken = openHouse({ dependencies: { store: brokenStore } })
  expect((await broken.send('/health')).status).toBe(200)
  const ready = await broken.send('/ready')
  expect([ready.status, ready.json?.error, ready.headers.get('retry-after')]).toEqual([
    503,
    'temporarily_unavailable',
    '5',
  ])
})

it.each([
  ['an older schema', { schema_version: '20200101000000' }, 'schema_older'],
  ['a database that takes no changes', { schema_version: '99990101000000', takes_changes: false }, 'store_read_only'],
])('M11 is not ready with %s, and tells that part alone', async (_what, answer, reason) => {
  const call = () => Promise.resolve({ outcome: 'ready', ...answer })
  const other = openHouse({ dependencies: { store: { call } } })
  const { status, json, headers, text } = await other.send('/ready')
  expect([status, json?.error, headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '5'])
  expect(json?.error_uri).toBe(`${other.issuer}/errors#${reason}`)
  expect(text).not.toMatch(/\d{8}/)
  expect(other.lines.at(-1)).toMatchObject({ reason })
})

it('is ready with a newer schema: migrations go first', async () => {
  const call = () => Promise.resolve({ outcome: 'ready', schema_version: '99990101000000', takes_changes: true })
  expect((await openHouse({ dependencies: { store: { call } } }).send('/ready')).status).toBe(200)
})

it('removes what has ended when it is scheduled to, and says how much (ARCHITECTURE decision 4)', async () => {
  const [row] = await sql(
    `insert into mcp_data.accounts (email, email_verified_at) values ($1, now()) returning account_id`,
    [`${crypto.randomUUID()}@example.com`],
  )
  await sql(
    `insert into mcp_data.sessions (account_id, session_digest, session_kid, auth_method, auth_time, created_at, expires_at)
      values ($1, sha256(convert_to($2, 'UTF8')), 'k', 'email_code', now(), now() - interval '9 days', now() - interval '2 days')`,
    [row?.account_id, crypto.randomUUID()],
  )
  await worker.scheduled({} as ScheduledController, env as unknown as Record<string, unknown>)
  expect(await sql('select 1 from mcp_data.sessions where account_id = $1', [row?.account_id])).toEqual([])
})

it('writes a line for each scheduled job that fails, and runs the others all the same', async () => {
  const broken = openHouse({ dependencies: { store: brokenStore } })
  await expect(runScheduled(broken.dependencies)).rejects.toThrow('a scheduled job failed')
  expect(broken.lines).toMatchObject(
    ['clean_up', 'proof_checks', 'key_notices', 'webhooks'].map((job) => ({
      level: 'error',
      job,
      cause: expect.any(String),
    })),
  )
})
