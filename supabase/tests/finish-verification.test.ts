import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, open, type Person, type Server } from './support/builders.ts'
import { ownerCaller } from './support/callers.ts'
import { connect, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { request, serverId } from './support/values.ts'

const database = await testDatabase()
const pending = (server_url?: string) => addServer(database, server_url === undefined ? {} : { server_url }, 'pending')
const begin = ({ server_id, caller }: Server) =>
  database.call('begin_verification', { p_server_id: server_id, p_server_url: null, p_caller: caller })
const finish = ({ server_id, server_url }: Pick<Server, 'server_id' | 'server_url'>) =>
  database.call('finish_verification', { p_server_id: server_id, p_server_url: server_url, p_request: request })
const statusOf = async ({ server_id }: Server) =>
  (await database.query('select status from mcp_data.servers where server_id = $1', [server_id]))[0]?.status

test('J8 verified: from then on everybody may authorize', async () => {
  const server = await pending()
  const person = await newPerson(database)
  expect(await open(database, person, { resource: server.server_url })).toMatchObject({ outcome: 'invalid_target' })
  await begin(server)
  expect(await finish(server)).toMatchObject({ outcome: 'verified', server: { status: 'verified' } })
  expect(await open(database, person, { resource: server.server_url })).toMatchObject({ outcome: 'consent' })
  expect(await finish(server)).toMatchObject({ outcome: 'verified' })
})

test('J10 taken_over: the holder is suspended, its keys and connections end', async () => {
  const holder = await addServer(database)
  const key = await addKey(database, holder)
  const person = await newPerson(database)
  const connectionId = await connect(database, person, holder)
  const claimant = await pending(holder.server_url)
  await begin(claimant)
  expect(await finish(claimant)).toMatchObject({ outcome: 'taken_over', from: holder.server_id })
  expect([await statusOf(holder), await statusOf(claimant)]).toEqual(['suspended', 'verified'])
  expect(await introspect(database, key, holder, connectionId)).toMatchObject({
    outcome: 'key_refused',
    reason: 'key_revoked',
  })
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
  expect(await database.events()).toEqual(expect.arrayContaining(['server.suspended', 'server.verified']))
})

/** A server that an account holds. */
async function ownedBy(person: Person, server_url?: string): Promise<Server> {
  const server = await addServer(database, server_url === undefined ? {} : { server_url }, 'pending')
  await database.query('update mcp_data.servers set owner_account_id = $2 where server_id = $1', [
    server.server_id,
    person.account_id,
  ])
  return { ...server, caller: await ownerCaller(database, person) }
}

test('J10 taken_over: the addresses of both owners, so that both are told; a management token has none', async () => {
  const [one, two] = [await newPerson(database), await newPerson(database)]
  const holder = await ownedBy(one)
  await begin(holder)
  expect(await finish(holder)).not.toHaveProperty('owner')
  const claimant = await ownedBy(two, holder.server_url)
  await begin(claimant)
  expect(await finish(claimant)).toMatchObject({
    outcome: 'taken_over',
    owner: { email: two.email },
    former_owner: { email: one.email },
  })
  const nobody = await pending(holder.server_url)
  await begin(nobody)
  const answer = await finish(nobody)
  expect(answer).toMatchObject({ outcome: 'taken_over', former_owner: { email: two.email } })
  expect(answer).not.toHaveProperty('owner')
})

test('J10 taken_over: each side has its event, which names the other', async () => {
  const holder = await addServer(database)
  const claimant = await pending(holder.server_url)
  await begin(claimant)
  await finish(claimant)
  const eventsOf = ({ server_id }: Server, event: string) =>
    database.query(
      'select reason, detail, request_id from mcp_data.audit_events where server_id = $1 and event = $2 order by occurred_at desc limit 1',
      [server_id, event],
    )
  const { request_id } = request
  expect(await eventsOf(holder, 'server.suspended')).toEqual([
    { reason: 'taken_over', detail: { by: claimant.server_id }, request_id },
  ])
  expect(await eventsOf(claimant, 'server.verified')).toEqual([
    { reason: 'taken_over', detail: { from: holder.server_id }, request_id },
  ])
})

test('J10 taken_over: whoever lost the URL may prove it again', async () => {
  const first = await addServer(database)
  const second = await pending(first.server_url)
  await begin(second)
  await finish(second)
  expect(await begin(first)).toMatchObject({ outcome: 'due' })
  expect(await finish(first)).toMatchObject({ outcome: 'taken_over', from: second.server_id })
})

test('holder_stands: a proof that was begun before the holder’s own', async () => {
  const slow = await pending()
  const quick = await pending(slow.server_url)
  await begin(slow)
  await begin(quick)
  expect(await finish(quick)).toMatchObject({ outcome: 'verified' })
  expect(await finish(slow)).toEqual({ outcome: 'holder_stands' })
  expect(await statusOf(quick)).toBe('verified')
})

test('J10 two claimants that finish at the same moment: one holds the URL', async () => {
  const claimants = [await pending()]
  for (let n = 1; n < 6; n++) claimants.push(await pending(claimants[0]?.server_url))
  for (const claimant of claimants) await begin(claimant)
  const answers = await Promise.all(claimants.map(finish))
  expect(answers.map(({ outcome }) => outcome).sort()).toEqual([
    ...Array.from({ length: 5 }, () => 'holder_stands'),
    'verified',
  ])
})

test('J9 J13 not_found: an id of another URL, an invented one, and one that never began', async () => {
  const server = await pending()
  expect(await finish(server)).toEqual({ outcome: 'not_found' })
  await begin(server)
  expect(await finish({ ...server, server_url: `${server.server_url}/b` })).toEqual({ outcome: 'not_found' })
  expect(await finish({ ...server, server_id: serverId() })).toEqual({ outcome: 'not_found' })
  expect(await statusOf(server)).toBe('pending')
})

const finishWith = (
  { server_id, server_url }: Pick<Server, 'server_url'> & { server_id: string | null },
  named: string[],
) =>
  database.call('finish_verification', {
    p_server_id: server_id,
    p_server_url: server_url,
    p_proof: { method: 'dns', named, seen: 'a record' },
    p_request: request,
  })

test('J13 verified by a text record: with its method and what was seen', async () => {
  const server = await pending()
  await begin(server)
  expect(await finishWith(server, [server.server_id])).toMatchObject({
    outcome: 'verified',
    server: { proof: { method: 'dns', seen: 'a record' } },
  })
})

test('J8 an authorization names no registration: one that waits and is named is proven, and no other', async () => {
  const server = await pending()
  const other = await pending(server.server_url)
  await begin(server)
  await begin(other)
  const anonymous = { server_id: null, server_url: server.server_url }
  expect(await finishWith(anonymous, [serverId()])).toEqual({ outcome: 'not_found' })
  expect(await finishWith(anonymous, [other.server_id])).toMatchObject({ server: { server_id: other.server_id } })
})

test('J10 holder_stands: a holder whose own way of proof nobody could look at', async () => {
  const holder = await pending()
  await begin(holder)
  await finishWith(holder, [holder.server_id])
  const claimant = await pending(holder.server_url)
  await begin(claimant)
  const prove = (looked: readonly string[]) =>
    database.call('finish_verification', {
      p_server_id: claimant.server_id,
      p_server_url: claimant.server_url,
      p_proof: { method: 'document', named: [claimant.server_id], seen: 'a document', looked },
      p_request: request,
    })
  expect(await prove(['document'])).toEqual({ outcome: 'holder_stands' })
  expect(await statusOf(holder)).toBe('verified')
  expect(await prove(['document', 'dns'])).toMatchObject({ outcome: 'taken_over', from: holder.server_id })
})

/** Begins a try, at its owner's wish or at an authorization, as if the last one was a minute ago. */
async function beginTry({ server_id, server_url, caller }: Server, by: 'owner' | 'authorization' = 'owner') {
  await database.query("delete from mcp_data.limits where kind = 'server_proof'")
  const args =
    by === 'owner'
      ? { p_server_id: server_id, p_server_url: null, p_caller: caller }
      : { p_server_id: null, p_server_url: server_url, p_caller: null }
  return String((await database.call('begin_verification', args)).begun_at)
}
const succeed = ({ server_id, server_url }: Server, p_begun_at: string | null, of: string | null = server_id) =>
  database.call('finish_verification', {
    p_server_id: of,
    p_server_url: server_url,
    p_proof: { method: 'document', named: [server_id], looked: ['document'], seen: 'a document' },
    p_request: request,
    p_begun_at,
  })
const fail = ({ server_id }: Server, p_begun_at: string | null) =>
  database.call('record_proof_check', {
    p_server_id: server_id,
    p_proof: null,
    p_seen: 'status 404',
    p_request: request,
    p_begun_at,
  })
const proofOf = async ({ server_id }: Server) => {
  const text =
    'select status, proof_seen, proof_failing_since is not null as fails from mcp_data.servers where server_id = $1'
  return (await database.query(text, [server_id]))[0]
}
const superseded = { outcome: 'superseded' }

test.each(['owner', 'authorization'] as const)(
  'J8 superseded: an older try of its owner by a later one, of the %s, whichever ends first',
  async (later) => {
    const mended = await pending()
    const before = await beginTry(mended)
    const after = await beginTry(mended, later)
    const of = later === 'owner' ? mended.server_id : null
    expect(await succeed(mended, after, of)).toMatchObject({ outcome: 'verified' })
    expect(await fail(mended, before)).toEqual(superseded)
    expect(await proofOf(mended)).toEqual({ status: 'verified', proof_seen: 'a document', fails: false })

    const broken = await pending()
    const good = await beginTry(broken)
    const bad = await beginTry(broken, later)
    expect(await succeed(broken, good)).toEqual(superseded)
    expect(await fail(broken, bad)).toMatchObject({ outcome: 'failing' })
    expect(await succeed(broken, good)).toEqual(superseded)
    expect(await proofOf(broken)).toEqual({ status: 'pending', proof_seen: 'status 404', fails: false })
  },
)

test('J8 superseded: a try at an authorization by a later one of the owner', async () => {
  const server = await pending()
  const before = await beginTry(server, 'authorization')
  const after = await beginTry(server)
  expect(await succeed(server, before, null)).toEqual(superseded)
  expect(await succeed(server, after)).toMatchObject({ outcome: 'verified' })
})

test('J10 superseded: an older try takes nothing over', async () => {
  const holder = await addServer(database)
  const claimant = await pending(holder.server_url)
  const before = await beginTry(claimant)
  const after = await beginTry(claimant)
  expect(await succeed(claimant, before)).toEqual(superseded)
  expect(await statusOf(holder)).toBe('verified')
  expect(await succeed(claimant, after)).toMatchObject({ outcome: 'taken_over', from: holder.server_id })
})

test('J11 superseded: an older try mends nothing that a later look found failing, nor fails what it found mended', async () => {
  const server = await pending()
  await succeed(server, await beginTry(server))
  await fail(server, null)
  const [before, after] = [await beginTry(server), await beginTry(server)]
  await fail(server, after)
  expect(await succeed(server, before)).toEqual(superseded)
  expect(await proofOf(server)).toMatchObject({ status: 'verified', fails: true })
  const [old, newest] = [await beginTry(server), await beginTry(server)]
  await succeed(server, newest)
  expect(await fail(server, old)).toEqual(superseded)
  expect(await proofOf(server)).toMatchObject({ status: 'verified', fails: false })
})

test('verified: by a Worker of before, which does not say when it began', async () => {
  const server = await pending()
  await beginTry(server)
  await beginTry(server)
  expect(await succeed(server, null)).toMatchObject({ outcome: 'verified' })
  expect(await fail(server, null)).toMatchObject({ outcome: 'failing' })
})

test('J10 holder_stands: a holder that was looked at again, and found proven, after this proof was begun', async () => {
  const holder = await pending()
  await succeed(holder, await beginTry(holder))
  const claimant = await pending(holder.server_url)
  const begun = await beginTry(claimant)
  const looked = { p_server_id: holder.server_id, p_seen: 'a document', p_request: request, p_begun_at: null }
  await database.call('record_proof_check', { ...looked, p_proof: { method: 'document' } })
  expect(await succeed(claimant, begun)).toEqual({ outcome: 'holder_stands' })
  await database.call('record_proof_check', { ...looked, p_proof: null })
  expect(await succeed(claimant, begun)).toMatchObject({ outcome: 'taken_over', from: holder.server_id })
})

test('J10 holder_stands: a holder that is named as well at this moment', async () => {
  const holder = await addServer(database)
  const claimant = await pending(holder.server_url)
  await begin(claimant)
  expect(await finishWith(claimant, [claimant.server_id, holder.server_id])).toEqual({ outcome: 'holder_stands' })
  expect(await finishWith(claimant, [claimant.server_id])).toMatchObject({ outcome: 'taken_over' })
})
