import { expect, test } from 'vitest'
import { addKey, addServer, newBrowser, newPerson, open, sendCode, signIn, verifyCode } from './support/builders.ts'
import { connect, introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { eventsOf, operate } from './support/operator.ts'
import { own } from './support/pages.ts'
import { addPasskey } from './support/passkeys.ts'

const database = await testDatabase()

async function connected() {
  const person = await newPerson(database)
  const server = await addServer(database)
  const key = await addKey(database, server)
  const connection_id = await connect(database, person, server)
  return { person, alive: () => introspect(database, key, server, connection_id) }
}

test('M12 disabled, already_disabled: sessions end, tokens are inactive, no sign-in; enabling brings the connections back', async () => {
  const { person, alive } = await connected()
  const user = person.email.toUpperCase()
  expect(await operate(database, 'disable_user', { user, reason: 'stolen' })).toMatchObject({
    outcome: 'disabled',
    account_id: person.account_id,
    connections: 1,
  })
  expect(await alive()).toMatchObject({ outcome: 'inactive' })
  expect(await open(database, person, { scope: ['openid'] })).toMatchObject({ outcome: 'sign_in' })
  const browser = newBrowser()
  const transaction = await open(database, browser, { scope: ['openid'] })
  await sendCode(database, browser, transaction.id, person.email)
  expect(await verifyCode(database, browser, transaction.id)).toEqual({ outcome: 'account_disabled' })
  expect(await operate(database, 'disable_user', { user })).toEqual({ outcome: 'already_disabled' })
  const enable = () => operate(database, 'enable_user', { user: person.account_id, reason: 'cleared' })
  expect(await enable()).toEqual({ outcome: 'enabled', account_id: person.account_id })
  expect(await enable()).toEqual({ outcome: 'not_disabled' })
  expect(await alive()).toMatchObject({ outcome: 'active' })
  const { account_id } = person
  expect(await eventsOf(database, 'account.disabled')).toMatchObject([{ account_id, reason: 'stolen' }])
  expect(await eventsOf(database, 'account.enabled')).toMatchObject([{ account_id, reason: 'cleared' }])
})

test('exported: all that the person could export, and an event the person sees', async () => {
  const { person } = await connected()
  const answer = await operate(database, 'export_user', { user: person.email, reason: 'asked by letter' })
  const own = await database.call('export_own_account', {
    p_session_digests: [],
    p_session_idle_seconds: 1,
  })
  expect(own.outcome).toBe('sign_in')
  expect(answer).toMatchObject({ outcome: 'exported', account: { email: person.email }, servers: [] })
  expect(answer.connections).toHaveLength(1)
  expect((answer.events as { event: string }[]).map(({ event }) => event)).toContain('account.exported')
})

test('M18 deleted: nothing of the account stays but its events, and the servers it owned end', async () => {
  const { person, alive } = await connected()
  const server = await addServer(database)
  await operate(database, 'transfer_server', { server: server.server_id, user: person.email })
  expect(await operate(database, 'delete_user', { user: person.email }, 'try')).toMatchObject({ tried: true })
  expect(await alive()).toMatchObject({ outcome: 'active' })
  expect(await operate(database, 'delete_user', { user: person.email })).toEqual({
    outcome: 'deleted',
    account_id: person.account_id,
    servers: 1,
    connections: 1,
  })
  expect(await alive()).not.toMatchObject({ outcome: 'active' })
  expect(await operate(database, 'export_user', { user: person.email })).toEqual({ outcome: 'not_found' })
  expect(await eventsOf(database, 'account.deleted')).toMatchObject([
    { account_id: person.account_id, reason: 'operator', user_agent: 'ops by alice' },
  ])
})

test('J22 removed, no_passkeys: all passkeys of one account, with its sessions; a sign-in by code makes a first one again', async () => {
  const [person, other] = [await newPerson(database), await newPerson(database)]
  await addPasskey(database, person)
  await addPasskey(database, other)
  const remove = (mode?: 'try') =>
    operate(database, 'remove_passkeys', { user: person.email, reason: 'ticket 3' }, mode)
  expect(await remove('try')).toMatchObject({ outcome: 'removed', tried: true })
  const { account_id } = person
  expect(await remove()).toEqual({ outcome: 'removed', account_id, passkeys: 1, sessions: 1 })
  expect(await own(database, person, 'list_passkeys')).toMatchObject({ outcome: 'sign_in' })
  expect(await own(database, other, 'list_passkeys')).toMatchObject({ passkeys: [{ name: 'Laptop' }] })
  expect(await remove()).toEqual({ outcome: 'no_passkeys' })
  expect(await eventsOf(database, 'passkey.removed')).toMatchObject([{ account_id, reason: 'ticket 3' }])
  const browser = newBrowser()
  expect(await signIn(database, browser, person.email)).toMatchObject({ account_id })
  await addPasskey(database, browser)
})

test('not_found: whoever is not there', async () => {
  for (const command of ['disable_user', 'enable_user', 'export_user', 'remove_passkeys', 'delete_user']) {
    expect(await operate(database, command, { user: 'nobody@mail.example' })).toEqual({ outcome: 'not_found' })
  }
})
