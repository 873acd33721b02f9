import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import worker from '../../src/index.ts'
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

it('is not ready with a schema of another version', async () => {
  const call = () => Promise.resolve({ outcome: 'ready', schema_version: '20200101000000' })
  const other = openHouse({ dependencies: { store: { call } } })
  expect((await other.send('/ready')).status).toBe(503)
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
