import { expect, test } from 'vitest'
import { addServer, newBrowser, newPerson, open, sendCode, verifyCode } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { codeLimits, id, newEmail } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const asked = { resource: server.server_url }

async function send(email: string, changes: Record<string, unknown> = {}) {
  const browser = newBrowser()
  const transaction = await open(database, browser, asked)
  return sendCode(database, browser, transaction.id, email, '12345678', changes)
}

test('sent: with the end of the code and the host of the server', async () => {
  const email = newEmail()
  const now = Math.floor(Date.now() / 1000)
  const answer = await send(email)
  expect(answer).toMatchObject({ outcome: 'sent', email, server_host: new URL(server.server_url).host })
  expect(Number(answer.expires_at_seconds) - now - 600).toBeLessThan(30)
})

test('C20 a code that was only sent makes no account', async () => {
  const email = newEmail()
  await send(email)
  expect(await database.query('select from mcp_data.accounts where email = $1', [email])).toEqual([])
})

test('C19 the newest code replaces the older one, and its tries start anew', async () => {
  const browser = newBrowser()
  const transaction = await open(database, browser, asked)
  const email = newEmail()
  await sendCode(database, browser, transaction.id, email, '11111111')
  await verifyCode(database, browser, transaction.id, '99999999')
  await sendCode(database, browser, transaction.id, email, '22222222')
  expect(await verifyCode(database, browser, transaction.id, '11111111')).toEqual({
    outcome: 'wrong',
    attempts_left: 4,
  })
  expect(await verifyCode(database, browser, transaction.id, '22222222')).toMatchObject({ outcome: 'verified' })
})

test('C2 suppressed: the fourth in 15 minutes and the eleventh in a day for one address, with an event', async () => {
  const email = newEmail()
  for (let sent = 0; sent < 9; sent += 3) {
    for (let n = 0; n < 3; n++) expect(await send(email)).toMatchObject({ outcome: 'sent' })
    expect(await send(email)).toEqual({ outcome: 'suppressed', email })
    await database.passTime(901)
  }
  expect(await send(email)).toMatchObject({ outcome: 'sent' })
  expect(await send(email)).toEqual({ outcome: 'suppressed', email })
  expect(await database.events()).toContain('limit.hit')
  await database.passTime(86_400)
  expect(await send(email)).toMatchObject({ outcome: 'sent' })
})

test('C2 parallel sends to one address are counted one after the other', async () => {
  const email = newEmail()
  const answers = await Promise.all(Array.from({ length: 12 }, () => send(email)))
  expect(answers.filter((answer) => answer.outcome === 'sent')).toHaveLength(3)
})

test('C1 suppressed: the eleventh an hour from one IP; a null limit is none', async () => {
  const ip = { p_ip: '2001:db8::/64' }
  for (let n = 0; n < 10; n++) expect(await send(newEmail(), ip)).toMatchObject({ outcome: 'sent' })
  expect(await send(newEmail(), ip)).toMatchObject({ outcome: 'suppressed' })
  expect(await send(newEmail(), { ...ip, p_limits: { ...codeLimits, per_ip_hour: null } })).toMatchObject({
    outcome: 'sent',
  })
  await database.passTime(3601)
  expect(await send(newEmail(), ip)).toMatchObject({ outcome: 'sent' })
})

test('M8 asking again and again writes ten events an hour, by one address of the network or by one transaction', async () => {
  const events = (of: string) =>
    database.query('select from mcp_data.audit_events where event = $1 and transaction_id = $2', ['limit.hit', of])
  const browser = newBrowser()
  const [here, there] = [await open(database, browser, asked), await open(database, browser, asked)]
  const ip = { p_ip: '2001:db8:1::/64' }
  for (let n = 0; n < 24; n++) await sendCode(database, browser, here.id, newEmail(), '12345678', ip)
  // Ten were sent.
  expect(await events(here.id)).toHaveLength(10)
  for (let n = 0; n < 3; n++) await sendCode(database, browser, there.id, newEmail(), '12345678', ip)
  expect(await events(there.id)).toEqual([])
  const email = newEmail()
  for (let n = 0; n < 15; n++) await sendCode(database, browser, there.id, email)
  expect(await events(there.id)).toHaveLength(10)
})

test('suppressed leaves an earlier code as it is', async () => {
  const browser = newBrowser()
  const transaction = await open(database, browser, asked)
  const email = newEmail()
  for (let n = 0; n < 3; n++) await sendCode(database, browser, transaction.id, email)
  expect(await sendCode(database, browser, transaction.id, email, '55555555')).toMatchObject({ outcome: 'suppressed' })
  expect(await verifyCode(database, browser, transaction.id)).toMatchObject({ outcome: 'verified' })
})

test('B11 A30 transaction_gone: unknown, of another browser, expired', async () => {
  const transaction = await open(database, newBrowser(), asked)
  const gone = { outcome: 'transaction_gone', reason: 'transaction_unknown' }
  expect(await sendCode(database, await newPerson(database), transaction.id, newEmail())).toEqual(gone)
  expect(await sendCode(database, newBrowser(), id(), newEmail())).toEqual(gone)
  const browser = newBrowser()
  const old = await open(database, browser, asked)
  await database.passTime(601)
  expect(await sendCode(database, browser, old.id, newEmail())).toMatchObject({ reason: 'transaction_expired' })
  expect(await database.events()).toContain('authorization.failed')
})

const deviceOf = (signed_at_seconds = Math.floor(Date.now() / 1000)) => ({
  p_device: { device_id: id(), signed_at_seconds },
})

test('C18 a device that the person has used before has a count of its own: strangers use up only the other', async () => {
  const person = await newPerson(database)
  const known = deviceOf()
  for (let n = 0; n < 2; n++) expect(await send(person.email)).toMatchObject({ outcome: 'sent' })
  expect(await send(person.email)).toMatchObject({ outcome: 'suppressed' })
  for (let n = 0; n < 3; n++) expect(await send(person.email, known)).toMatchObject({ outcome: 'sent' })
  expect(await send(person.email, known)).toMatchObject({ outcome: 'suppressed' })
})

test('C18 wrong guesses from elsewhere do not count against a known device', async () => {
  const person = await newPerson(database)
  const p_limits = { ...codeLimits, failures_per_account_day: 1 }
  const stranger = newBrowser()
  const theirs = await open(database, stranger, asked)
  await sendCode(database, stranger, theirs.id, person.email)
  await verifyCode(database, stranger, theirs.id, '99999999', { p_limits })
  expect(await send(person.email, { p_limits })).toMatchObject({ outcome: 'suppressed' })
  const browser = newBrowser()
  const transaction = await open(database, browser, asked)
  const changes = { ...deviceOf(), p_limits }
  expect(await sendCode(database, browser, transaction.id, person.email, '12345678', changes)).toMatchObject({
    outcome: 'sent',
  })
  expect(await verifyCode(database, browser, transaction.id, '12345678', { p_limits })).toMatchObject({
    outcome: 'verified',
  })
})

test('C18 a device counts for nobody without an account, and not after the person signed out everywhere', async () => {
  const stranger = newEmail()
  for (let n = 0; n < 3; n++) await send(stranger)
  expect(await send(stranger, deviceOf())).toMatchObject({ outcome: 'suppressed' })
  const person = await newPerson(database)
  for (let n = 0; n < 2; n++) await send(person.email)
  await database.query('update mcp_data.accounts set devices_forgotten_at = now() where account_id = $1', [
    person.account_id,
  ])
  expect(await send(person.email, deviceOf(Math.floor(Date.now() / 1000) - 60))).toMatchObject({
    outcome: 'suppressed',
  })
  expect(await send(person.email, deviceOf(Math.floor(Date.now() / 1000) + 60))).toMatchObject({ outcome: 'sent' })
})
