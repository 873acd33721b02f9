import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { pagesOf } from './support/lists.ts'
import { offer, ownedServer } from './support/offers.ts'

const database = await testDatabase()
const list = (p_caller: unknown) => database.call('list_offers', { p_caller })

test('J2 found: what strangers registered in one’s name, and what owners offer to one’s address with theirs', async () => {
  const person = await newPerson(database)
  const waiting = await addServer(database, { user_id: person.account_id }, 'pending')
  const { server, owner, caller } = await ownedServer(database)
  await offer(database, server, person.email, caller)
  await addServer(database, { user_id: 'somebody else' })
  const { offers } = await list(sessionCaller(person))
  expect(offers).toMatchObject([
    { server_id: server.server_id, from_email: owner.email, status: 'verified' },
    { server_id: waiting.server_id, server_url: waiting.server_url, status: 'pending' },
  ])
  expect((offers as unknown[])[1]).not.toHaveProperty('from_email')
})

test('found: nothing that was deleted, taken back, or is one’s own', async () => {
  const { server, owner, caller } = await ownedServer(database)
  const heir = await newPerson(database)
  await offer(database, server, heir.email, caller)
  await database.call('delete_server', { p_server_id: server.server_id, p_caller: caller })
  expect(await list(sessionCaller(heir))).toEqual({ outcome: 'found', offers: [] })
  expect(await list(sessionCaller(owner))).toEqual({ outcome: 'found', offers: [] })
})

test('scope_missing, caller_unknown and sign_in', async () => {
  const owner = await ownerCaller(database, await newPerson(database), ['servers:write'])
  expect(await list(owner)).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
  for (const [, caller] of strangers) expect(await list(caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await list((await addServer(database)).caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await list(sessionCaller({ cookie: '', session: 'none' }))).toEqual({ outcome: 'sign_in' })
})

test('found: page by page, each offer once', async () => {
  const person = await newPerson(database)
  const ids: string[] = []
  while (ids.length < 3) ids.unshift((await addServer(database, { user_id: person.account_id })).server_id)
  const pages = await pagesOf(database, 'list_offers', 'offers', 2, { p_caller: sessionCaller(person) })
  expect(pages).toEqual([ids.slice(0, 2), ids.slice(2)])
})
