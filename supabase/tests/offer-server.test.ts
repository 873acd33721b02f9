import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { offer, ownedServer } from './support/offers.ts'
import { newEmail } from './support/values.ts'

const database = await testDatabase()

test('offered: nothing changes hands yet, and a person with an account is told', async () => {
  const { server, caller } = await ownedServer(database)
  const heir = await newPerson(database)
  const answer = await offer(database, server, heir.email, caller)
  expect(answer).toMatchObject({ outcome: 'offered', server: { offered_to: heir.email, owner: true } })
  expect(answer.notice).toEqual({ email: heir.email })
  expect(await database.call('list_servers', { p_caller: sessionCaller(heir) })).toMatchObject({ servers: [] })
  expect(await database.events()).toContain('server.offered')
})

test('offered: an address without an account gets no mail, and the same answer otherwise; a management token may offer', async () => {
  const server = await addServer(database)
  const answer = await offer(database, server, newEmail())
  expect(answer.outcome).toBe('offered')
  expect(answer).not.toHaveProperty('notice')
})

test('C6 offered: one person is told three times in 15 minutes and ten times a day, whoever offers', async () => {
  const heir = await newPerson(database)
  const told = async () => {
    const { outcome, notice } = await offer(database, await addServer(database), heir.email)
    return outcome === 'offered' && notice !== undefined
  }
  const toldOf = async (count: number) => {
    const answers: boolean[] = []
    for (let n = 0; n < count; n++) answers.push(await told())
    return answers
  }
  expect(await toldOf(5)).toEqual([true, true, true, false, false])
  for (const expected of [3, 3, 1]) {
    await database.passTime(901)
    expect((await toldOf(4)).filter((one) => one)).toHaveLength(expected)
  }
  expect(await database.call('list_offers', { p_caller: sessionCaller(heir) })).toHaveProperty('offers.16')
})

test('withdrawn: also what the registration offered', async () => {
  const person = await newPerson(database)
  const server = await addServer(database, { user_id: person.account_id })
  const answer = await offer(database, server, null)
  expect(answer.outcome).toBe('withdrawn')
  expect(answer.server).not.toHaveProperty('offered_to')
})

test('own_address: to its owner', async () => {
  const { server, owner, caller } = await ownedServer(database)
  expect(await offer(database, server, owner.email, caller)).toEqual({ outcome: 'own_address' })
})

test('limited: more changes an hour than an owner may make', async () => {
  const server = await addServer(database)
  const answers: string[] = []
  for (let count = 0; count < 61; count += 1) answers.push((await offer(database, server, newEmail())).outcome)
  expect(answers.slice(0, 60)).toEqual(Array(60).fill('offered'))
  expect(answers[60]).toBe('limited')
})

test('J3 not_found, scope_missing, caller_unknown, sign_in and not_fresh', async () => {
  const { server, owner } = await ownedServer(database)
  const stranger = sessionCaller(await newPerson(database))
  expect(await offer(database, server, newEmail(), stranger)).toEqual({ outcome: 'not_found' })
  const token = await ownerCaller(database, owner, ['servers:read'])
  expect(await offer(database, server, newEmail(), token)).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
  for (const [, caller] of strangers.slice(1))
    expect(await offer(database, server, newEmail(), caller ?? {})).toEqual({ outcome: 'caller_unknown' })
  const nobody = sessionCaller({ cookie: '', session: 'none' })
  expect(await offer(database, server, newEmail(), nobody)).toEqual({ outcome: 'sign_in' })
  await database.query("update mcp_data.sessions set auth_time = auth_time - interval '1 hour'")
  expect(await offer(database, server, newEmail(), sessionCaller(owner, 900))).toEqual({ outcome: 'not_fresh' })
})
