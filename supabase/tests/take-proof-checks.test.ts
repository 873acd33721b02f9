import { expect, test } from 'vitest'
import { addServer } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { request } from './support/values.ts'

const database = await testDatabase()
const day = 86_400
const take = async (p_limit = 10) =>
  ((await database.call('take_proof_checks', { p_limit })).servers as { server_id: string }[]).map(
    ({ server_id }) => server_id,
  )

async function proven(): Promise<string> {
  const { server_id } = await addServer(database)
  await database.call('record_proof_check', {
    p_server_id: server_id,
    p_proof: { method: 'document' },
    p_seen: 'x',
    p_request: request,
  })
  return server_id
}

test('J11 taken: a week after the last look, a day after one that failed, and once', async () => {
  const [good, bad] = [await proven(), await proven()]
  await database.call('record_proof_check', { p_server_id: bad, p_proof: null, p_seen: 'x', p_request: request })
  expect(await take()).toEqual([])
  await database.passTime(day + 1)
  expect(await take()).toEqual([bad])
  expect(await take()).toEqual([])
  await database.passTime(6 * day)
  expect(new Set(await take())).toEqual(new Set([good, bad]))
})

test('J11 taken: again an hour later where nothing was recorded, so that a spent budget lets none get away', async () => {
  const server_id = await proven()
  await database.passTime(8 * day)
  expect(await take(100)).toContain(server_id)
  await database.passTime(3_500)
  expect(await take(100)).not.toContain(server_id)
  await database.passTime(101)
  expect(await take(100)).toContain(server_id)
  await database.call('record_proof_check', {
    p_server_id: server_id,
    p_proof: { method: 'document' },
    p_seen: 'x',
    p_request: request,
  })
  await database.passTime(6 * day)
  expect(await take(100)).not.toContain(server_id)
})

test('J11 taken: as a try of its own, which makes an older one of the owner count no more, and is made so by a later one', async () => {
  const server = await addServer(database)
  const { server_id, server_url, caller } = server
  const record = (p_begun_at: unknown, p_proof: unknown = null) =>
    database.call('record_proof_check', {
      p_server_id: server_id,
      p_proof,
      p_seen: 'x',
      p_request: request,
      p_begun_at,
    })
  const mend = async () => {
    await database.query('delete from mcp_data.limits')
    const args = { p_server_id: server_id, p_server_url: null, p_caller: caller }
    return (await database.call('begin_verification', args)).begun_at
  }
  await record(null, { method: 'document' })
  await record(null)
  await database.passTime(day + 1)
  const owners = await mend()
  const taken = (await database.call('take_proof_checks', { p_limit: 100 })).servers as Record<string, unknown>[]
  const look = taken.find((one) => one.server_id === server_id)
  const finish = (p_begun_at: unknown) =>
    database.call('finish_verification', {
      p_server_id: server_id,
      p_server_url: server_url,
      p_proof: { method: 'document', named: [server_id], seen: 'x' },
      p_request: request,
      p_begun_at,
    })
  expect(await finish(owners)).toEqual({ outcome: 'superseded' })
  expect(await record(look?.begun_at)).toMatchObject({ outcome: 'failing' })
  expect(await finish(await mend())).toMatchObject({ outcome: 'verified' })
  expect(await record(look?.begun_at)).toEqual({ outcome: 'superseded' })
})

test('taken: no more than asked for, each by one of several runs at once', async () => {
  for (let count = 0; count < 6; count += 1) await proven()
  await database.passTime(8 * day)
  expect(await take(2)).toHaveLength(2)
  const runs = await Promise.all([take(3), take(3), take(3), take(3)])
  const all = runs.flat()
  expect(new Set(all).size).toBe(all.length)
})

test('taken: nothing that waits, is suspended, or needs no proof on a developer’s machine', async () => {
  await addServer(database, {}, 'pending')
  const loopback = await addServer(database)
  const suspended = await proven()
  await database.query("update mcp_data.servers set status = 'suspended' where server_id = $1", [suspended])
  await database.passTime(30 * day)
  await take(100)
  await database.passTime(30 * day)
  const taken = await take(100)
  expect(taken).not.toContain(suspended)
  expect(taken).not.toContain(loopback.server_id)
})
