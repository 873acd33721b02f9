import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, personalCaller, sessionCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { pagesOf } from './support/lists.ts'

const database = await testDatabase()
const list = (p_caller: unknown) => database.call('list_personal_tokens', { p_caller })

test('J5 J19 found: one’s own, with the last use and no secret', async () => {
  const person = await newPerson(database)
  await personalCaller(database, await newPerson(database))
  const caller = await personalCaller(database, person)
  const answer = await list(caller)
  expect(answer).toMatchObject({ outcome: 'found', tokens: [{ token_id: caller.token_id, name: 'CI' }] })
  expect(JSON.stringify(answer)).not.toContain('digest')
  const again = (await list(sessionCaller(person))).tokens as Record<string, unknown>[]
  expect(again).toHaveLength(1)
  expect(again[0]).toHaveProperty('last_used_at_seconds')
})

test('scope_missing: an access token without servers:read', async () => {
  const owner = await ownerCaller(database, await newPerson(database), ['keys:write'])
  expect(await list(owner)).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
})

test('caller_unknown and sign_in: nobody, a management token, a session that never was', async () => {
  for (const [, caller] of strangers) expect(await list(caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await list((await addServer(database)).caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await list(sessionCaller({ cookie: 'c', session: 'none' }))).toEqual({ outcome: 'sign_in' })
})

test('found: page by page, each token once, and who looks at our own page', async () => {
  const person = await newPerson(database)
  const ids: string[] = []
  while (ids.length < 3) ids.unshift(String((await personalCaller(database, person)).token_id))
  const p_caller = sessionCaller(person)
  const pages = await pagesOf(database, 'list_personal_tokens', 'tokens', 2, { p_caller })
  expect(pages).toEqual([ids.slice(0, 2), ids.slice(2)])
  expect(await list(p_caller)).toMatchObject({ viewer_email: person.email })
})
