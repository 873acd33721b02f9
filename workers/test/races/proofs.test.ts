import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, type Server } from '../../../supabase/tests/support/builders.ts'
import { approve, connect, exchange, introspect, refresh } from '../../../supabase/tests/support/connections.ts'
import { testDatabase } from '../../../supabase/tests/support/database.ts'
import { digest, id, metadataClient, request } from '../../../supabase/tests/support/values.ts'
import { callers, crowd, eachRound } from './crowd.ts'

const database = await testDatabase()

const newUrl = () => `https://${randomBytes(6).toString('hex')}.example/mcp`
const pending = (server_url: string) => addServer(database, { server_url }, 'pending')
const begin = (p_server_id: string | null, p_caller: unknown, p_server_url: string | null = null) =>
  database.call('begin_verification', { p_server_id, p_server_url, p_caller, p_request: request })
const finish = ({ server_id, server_url }: Server) =>
  database.call('finish_verification', { p_server_id: server_id, p_server_url: server_url, p_request: request })

async function claimantsOf(server_url: string): Promise<Server[]> {
  const claimants = await Promise.all(Array.from({ length: callers }, () => pending(server_url)))
  for (const { server_id, caller } of claimants) await begin(server_id, caller)
  return claimants
}

const statusesOf = async (server_url: string): Promise<Record<string, number>> => {
  const sql = 'select status, count(*)::integer as n from mcp_data.servers where server_url = $1 group by 1'
  const rows = await database.query(sql, [server_url])
  return Object.fromEntries(rows.map(({ status, n }) => [String(status), Number(n)]))
}

test('F14 N8 one assertion for twenty connections: one call is served (RFC 7523 §3)', async () => {
  const person = await newPerson(database)
  const server = await addServer(database)
  const strong = { ...metadataClient, token_endpoint_auth_method: 'private_key_jwt' }
  await eachRound(async () => {
    const connections: string[] = []
    for (let n = 0; n < callers; n++) connections.push(await approve(database, person, server, {}, strong))
    const assertion = { jti_digest: digest(id()), expires_at_seconds: Math.floor(Date.now() / 1000) + 60 }
    const p_client = { method: 'private_key_jwt', key_thumbprints: ['key_a'], assertion }
    const { outcomes } = await crowd(callers, (caller) =>
      exchange(database, connections[caller] ?? '', { p_client, p_client_id: strong.client_id }),
    )
    expect(outcomes).toEqual({ exchanged: 1, assertion_replayed: callers - 1 })
  })
})

test('J10 N9 twenty claimants of a free URL that finish at once: one holds it', async () => {
  await eachRound(async () => {
    const server_url = newUrl()
    const claimants = await claimantsOf(server_url)
    const { outcomes } = await crowd(callers, (caller) => finish(claimants[caller] as Server))
    expect(outcomes).toEqual({ verified: 1, holder_stands: callers - 1 })
    expect(await statusesOf(server_url)).toEqual({ verified: 1, pending: callers - 1 })
  })
})

test('J10 N9 twenty claimants of a held URL: one takes it over, and nothing of the holder lives on', async () => {
  const person = await newPerson(database)
  await eachRound(async () => {
    const holder = await addServer(database, { server_url: newUrl() })
    const key = await addKey(database, holder)
    const connectionId = await connect(database, person, holder)
    const claimants = await claimantsOf(holder.server_url)
    // The holder's clients go on meanwhile.
    const { answers, outcomes } = await crowd(callers + 6, (caller) => {
      if (caller < callers) return finish(claimants[caller] as Server)
      return caller % 2 === 0 ? introspect(database, key, holder, connectionId) : refresh(database, connectionId, 1)
    })
    expect([outcomes.taken_over, outcomes.holder_stands]).toEqual([1, callers - 1])
    const winner = answers.find(({ outcome }) => outcome === 'taken_over')
    expect(winner?.from).toBe(holder.server_id)
    expect(await statusesOf(holder.server_url)).toEqual({ verified: 1, suspended: 1, pending: callers - 1 })
    expect(await introspect(database, key, holder, connectionId)).toMatchObject({ outcome: 'key_refused' })
    const live = await database.query(
      `select 1 from mcp_data.connections where server_id = $1 and revoked_at is null
       union all select 1 from mcp_data.server_keys where server_id = $1 and revoked_at is null`,
      [holder.server_id],
    )
    expect(live).toEqual([])
  })
})

test('J10 holder and claimant that prove one after the other, from ten callers each: the URL never has two holders', async () => {
  await eachRound(async () => {
    const holder = await addServer(database, { server_url: newUrl() })
    const claimant = await pending(holder.server_url)
    await begin(claimant.server_id, claimant.caller)
    const { outcomes } = await crowd(callers, (caller) => finish(caller % 2 === 0 ? holder : claimant))
    // Whoever still thinks of the old holder finds it suspended, and not begun.
    expect(outcomes.taken_over).toBe(1)
    expect(await statusesOf(holder.server_url)).toEqual({ verified: 1, suspended: 1 })
  })
})

test('E18 twenty authorizations for one unproven URL: its host is called once', async () => {
  await eachRound(async () => {
    const server_url = newUrl()
    await pending(server_url)
    await pending(server_url)
    const { outcomes } = await crowd(callers, () => begin(null, null, server_url))
    expect(outcomes).toEqual({ due: 1, too_soon: callers - 1 })
  })
})

const tryAgain = async ({ server_id, caller }: Server): Promise<string> => {
  await database.query("delete from mcp_data.limits where kind = 'server_proof'")
  return String((await begin(server_id, caller)).begun_at)
}

test('J8 J10 twenty tries of one server that end at once, good and bad ones: the last one begun decides', async () => {
  await eachRound(async (round) => {
    const server = await pending(newUrl())
    const tries: string[] = []
    for (let n = 0; n < callers; n++) tries.push(await tryAgain(server))
    // Of the last, every other round a good one.
    const isGood = (caller: number) => (caller + round) % 2 === 0
    const { answers, outcomes } = await crowd(callers, (caller) => {
      const { server_id: p_server_id, server_url: p_server_url } = server
      const p_begun_at = tries[caller]
      return isGood(caller)
        ? database.call('finish_verification', { p_server_id, p_server_url, p_request: request, p_begun_at })
        : database.call('record_proof_check', {
            p_server_id,
            p_proof: null,
            p_seen: 'no',
            p_request: request,
            p_begun_at,
          })
    })
    expect(outcomes.superseded).toBe(callers - 1)
    const last = callers - 1
    expect(answers[last]?.outcome).toBe(isGood(last) ? 'verified' : 'failing')
    expect(await statusesOf(server.server_url)).toEqual(isGood(last) ? { verified: 1 } : { pending: 1 })
  })
})

test('J8 J10 tries that begin at once, of owners and of an authorization: each server knows the last of its own', async () => {
  await eachRound(async () => {
    const server_url = newUrl()
    const claimants = await Promise.all(Array.from({ length: callers - 1 }, () => pending(server_url)))
    const { answers } = await crowd(callers, (caller) => {
      const claimant = claimants[caller - 1]
      return claimant === undefined ? begin(null, null, server_url) : begin(claimant.server_id, claimant.caller)
    })
    const [atAuthorization, ...own] = answers.map(({ begun_at }) => String(begun_at))
    for (const [n, { server_id }] of claimants.entries()) {
      const text = `select verification_begun_at = greatest($2::timestamptz, $3::timestamptz) as is_last
        from mcp_data.servers where server_id = $1`
      expect(await database.query(text, [server_id, atAuthorization, own[n]])).toEqual([{ is_last: true }])
    }
  })
})

test('E17 twenty connections of one person whose client changed refresh at once: all are suspended, none waits for another', async () => {
  const server = await addServer(database)
  const strong = { ...metadataClient, token_endpoint_auth_method: 'private_key_jwt' }
  const by = (keys: string[]) => ({ p_client: { method: 'private_key_jwt', key_thumbprints: keys } })
  for (let round = 0; round < 5; round++) {
    const person = await newPerson(database)
    const connections: string[] = []
    for (let n = 0; n < callers; n++) {
      const connectionId = await approve(database, person, server, {}, strong)
      await exchange(database, connectionId, by(['key_a']))
      connections.push(connectionId)
    }
    const { outcomes } = await crowd(callers, (caller) =>
      refresh(database, connections[caller] ?? '', 1, by(['key_z'])),
    )
    expect(outcomes).toEqual({ client_changed: callers })
    const sql = 'select count(*)::integer as n from mcp_data.connections where account_id = $1 and suspended_at is null'
    expect(await database.query(sql, [person.account_id])).toEqual([{ n: 0 }])
  }
})
