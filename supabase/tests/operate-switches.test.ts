import { beforeEach, expect, test } from 'vitest'
import { addServer, newBrowser, newPerson, open, sendCode, verifyCode } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { eventsOf, operate } from './support/operator.ts'

const database = await testDatabase()
const turn = (name: string, state: string, reason = 'incident 7') =>
  operate(database, 'turn_switch', { switch: name, state, reason })

beforeEach(async () => {
  for (const name of ['registration', 'email_sign_in', 'documents']) await turn(name, 'on')
})

test('turned, unchanged, unknown_switch: one event a change, with who, what and why', async () => {
  expect(await turn('registration', 'off')).toEqual({ outcome: 'turned', switch: 'registration', state: 'off' })
  expect(await turn('registration', 'off')).toEqual({ outcome: 'unchanged', switch: 'registration', state: 'off' })
  expect(await turn('everything', 'off')).toEqual({ outcome: 'unknown_switch' })
  expect(await operate(database, 'turn_switch', { switch: 'documents' })).toEqual({ outcome: 'unknown_switch' })
  expect(await eventsOf(database, 'operator.switch_turned')).toMatchObject([
    { reason: 'incident 7', detail: { switch: 'registration', state: 'off' }, user_agent: 'ops by alice' },
  ])
})

test('M12 e-mail sign-in that is off sends no code and takes none that was sent; sessions go on', async () => {
  const person = await newPerson(database)
  const browser = newBrowser()
  const transaction = await open(database, browser, { scope: ['openid'] })
  expect(await sendCode(database, browser, transaction.id, person.email)).toMatchObject({ outcome: 'sent' })
  await turn('email_sign_in', 'off')
  expect(await sendCode(database, browser, transaction.id, person.email)).toEqual({ outcome: 'switched_off' })
  expect(await verifyCode(database, browser, transaction.id)).toEqual({ outcome: 'switched_off' })
  expect(await open(database, person, { scope: ['openid'] })).toMatchObject({ outcome: 'consent' })
  await turn('email_sign_in', 'on')
  expect(await verifyCode(database, browser, transaction.id)).toMatchObject({ outcome: 'verified' })
})

test('M12 nobody’s proof is looked at while documents are off, and nothing that was due is lost', async () => {
  const server = await addServer(database)
  await database.query(
    "update mcp_data.servers set proof_method = 'document', proof_checked_at = now() - interval '8 days' where server_id = $1",
    [server.server_id],
  )
  await turn('documents', 'off')
  expect(await database.call('take_proof_checks', { p_limit: 10 })).toEqual({ outcome: 'taken', servers: [] })
  await turn('documents', 'on')
  expect(await database.call('take_proof_checks', { p_limit: 10 })).toMatchObject({
    servers: [{ server_id: server.server_id }],
  })
})
