import { expect, test } from 'vitest'
import { addServer, newBrowser, newPerson, open, sendCode, verifyCode } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { codeLimits, digest, id, newEmail, request } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const asked = { resource: server.server_url }

async function withCode(email: string = newEmail()) {
  const browser = newBrowser()
  const transaction = await open(database, browser, asked)
  await sendCode(database, browser, transaction.id, email)
  return { browser, transaction, email }
}

test('verified: makes account and session, and binds the transaction', async () => {
  const { browser, transaction, email } = await withCode()
  const answer = await verifyCode(database, browser, transaction.id)
  expect(answer).toMatchObject({ outcome: 'verified', email })
  expect(Math.abs(Number(answer.auth_time_seconds) - Date.now() / 1000)).toBeLessThan(30)
  const [row] = await database.query('select account_id from mcp_data.transactions where transaction_id = $1', [
    transaction.id,
  ])
  expect(row?.account_id).toBe(answer.account_id)
  expect(await open(database, browser, asked)).toMatchObject({ outcome: 'consent' })
  expect(await database.events()).toContain('session.created')
})

test('verified: the same address later is the same account (C11)', async () => {
  const first = await withCode()
  const { account_id } = await verifyCode(database, first.browser, first.transaction.id)
  const second = await withCode(first.email)
  expect(await verifyCode(database, second.browser, second.transaction.id)).toMatchObject({ account_id })
})

test('B6 the session of before ends at sign-in, so a planted one is worth nothing', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, asked)
  await sendCode(database, person, transaction.id, newEmail())
  const fresh = digest(id())
  await verifyCode(database, person, transaction.id, '12345678', {
    p_old_session_digests: [digest(person.session)],
    p_session_digest: fresh,
  })
  expect(await open(database, person, asked)).toMatchObject({ outcome: 'sign_in' })
})

test('the end of the session of before is an event', async () => {
  expect(await database.query("select reason from mcp_data.audit_events where event = 'session.ended'")).toEqual([
    { reason: 'replaced' },
  ])
})

test('B8 the stored session is 32 bytes that are not the cookie', async () => {
  const person = await newPerson(database)
  const [row] = await database.query('select session_digest from mcp_data.sessions where account_id = $1', [
    person.account_id,
  ])
  expect(row?.session_digest).toHaveLength(32)
  expect(String(row?.session_digest)).not.toContain(person.session)
})

test('C1 exhausted: five wrong tries end the challenge, and the sixth is refused though right', async () => {
  const { browser, transaction } = await withCode()
  for (const attempts_left of [4, 3, 2, 1]) {
    expect(await verifyCode(database, browser, transaction.id, '00000000')).toEqual({ outcome: 'wrong', attempts_left })
  }
  expect(await verifyCode(database, browser, transaction.id, '00000000')).toEqual({ outcome: 'exhausted' })
  expect(await verifyCode(database, browser, transaction.id)).toEqual({ outcome: 'exhausted' })
  expect(await database.events()).toContain('code.failed')
})

test('C3 of 100 parallel wrong guesses at most five are compared', async () => {
  const { browser, transaction } = await withCode()
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => verifyCode(database, browser, transaction.id, '00000000')),
  )
  expect(answers.filter((answer) => answer.outcome === 'wrong')).toHaveLength(4)
  const [row] = await database.query('select attempts from mcp_data.email_challenges where transaction_id = $1', [
    transaction.id,
  ])
  expect(row?.attempts).toBe(5)
})

test('C4 not_sent: a right code is used up, also by two at once', async () => {
  const { browser, transaction } = await withCode()
  const sessions = [digest(id()), digest(id())]
  const answers = await Promise.all(
    sessions.map((p_session_digest) => verifyCode(database, browser, transaction.id, '12345678', { p_session_digest })),
  )
  expect(answers.map((answer) => answer.outcome).sort()).toEqual(['not_sent', 'verified'])
  expect(await verifyCode(database, newBrowser(), transaction.id)).toMatchObject({ outcome: 'transaction_gone' })
})

test('C19 expired: after ten minutes', async () => {
  const { browser, transaction } = await withCode()
  await database.query('update mcp_data.transactions set expires_at = expires_at + $1::interval', ['1 hour'])
  await database.passTime(601)
  expect(await verifyCode(database, browser, transaction.id)).toEqual({ outcome: 'expired' })
})

test('C2 limited: after 50 failures a day for one address even a right code is refused', async () => {
  const email = newEmail()
  const limits = { ...codeLimits, failures_per_account_day: 6 }
  for (const wrong of [5, 1]) {
    const { browser, transaction } = await withCode(email)
    for (let n = 0; n < wrong; n++)
      await verifyCode(database, browser, transaction.id, '00000000', { p_limits: limits })
  }
  const { browser, transaction } = await withCode(email)
  expect(await verifyCode(database, browser, transaction.id, '12345678', { p_limits: limits })).toEqual({
    outcome: 'limited',
  })
})

test('account_disabled: no session for a closed account (M12)', async () => {
  const person = await newPerson(database)
  await database.query('update mcp_data.accounts set disabled_at = now() where account_id = $1', [person.account_id])
  const { browser, transaction } = await withCode(person.email)
  expect(await verifyCode(database, browser, transaction.id)).toEqual({ outcome: 'account_disabled' })
  const text = "select reason from mcp_data.audit_events where event = 'authorization.failed' and account_id = $1"
  expect(await database.query(text, [person.account_id])).toEqual([{ reason: 'sign_in_disabled' }])
  expect(await open(database, browser, asked)).toMatchObject({ outcome: 'sign_in' })
})

test('B11 A30 transaction_gone: the code of another browser, an old transaction', async () => {
  const { transaction } = await withCode()
  expect(await verifyCode(database, newBrowser(), transaction.id)).toEqual({
    outcome: 'transaction_gone',
    reason: 'transaction_unknown',
  })
  const old = await withCode()
  await database.passTime(601)
  expect(await verifyCode(database, old.browser, old.transaction.id)).toMatchObject({ reason: 'transaction_expired' })
})

test('a confirmed Supabase user of that e-mail gives the id; others do not, though row level security hides the table', async () => {
  await database.query(`
    create schema auth;
    create table auth.users (id uuid primary key, email text, is_sso_user boolean not null default false,
      email_confirmed_at timestamptz, deleted_at timestamptz);
    alter table auth.users enable row level security;`)
  const [confirmed, unconfirmed] = [newEmail(), newEmail()]
  const ids = ['10000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000002']
  await database.query(
    'insert into auth.users (id, email, email_confirmed_at) values ($1, $2, now()), ($3, $4, null)',
    [ids[0], confirmed, ids[1], unconfirmed],
  )
  const shared = await withCode(confirmed)
  expect(await verifyCode(database, shared.browser, shared.transaction.id)).toMatchObject({ account_id: ids[0] })
  const own = await withCode(unconfirmed)
  const answer = await verifyCode(database, own.browser, own.transaction.id)
  expect(answer).toMatchObject({ outcome: 'verified' })
  expect(answer.account_id).not.toBe(ids[1])
  // The user changed the address there: the account moves along.
  const moved = newEmail()
  await database.query('update auth.users set email = $1 where id = $2', [moved, ids[0]])
  const later = await withCode(moved)
  expect(await verifyCode(database, later.browser, later.transaction.id)).toMatchObject({
    account_id: ids[0],
    email: moved,
  })
})

test('the session and the account keep what the request told: place and language', async () => {
  const browser = newBrowser()
  const transaction = await open(database, browser, { scope: ['openid'] })
  const email = newEmail()
  await sendCode(database, browser, transaction.id, email)
  await verifyCode(database, browser, transaction.id, '12345678', {
    p_request: { ...request, country: 'CH', language: 'de' },
  })
  const text = `select s.country, s.user_agent, a.language, e.country as place from mcp_data.accounts a
    join mcp_data.sessions s using (account_id) join mcp_data.audit_events e using (account_id)
    where a.email = $1 and e.event = 'session.created'`
  expect(await database.query(text, [email])).toEqual([
    { country: 'CH', user_agent: 'test', language: 'de', place: 'CH' },
  ])
})

test('a wrong code for an account is an event of that account', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, { scope: ['openid'], prompt: ['login'] })
  await sendCode(database, person, transaction.id, person.email)
  await verifyCode(database, person, transaction.id, '99999999')
  const text = "select event from mcp_data.audit_events where account_id = $1 and event like 'code.%' order by event"
  expect(await database.query(text, [person.account_id])).toEqual([{ event: 'code.failed' }, { event: 'code.sent' }])
})

test('C2 a right code is no failure: as many as may fail in a day, and one more, sign in', async () => {
  const email = newEmail()
  const limits = { ...codeLimits, per_address_15_minutes: 10, failures_per_account_day: 2 }
  for (const code of ['12345678', '12345678', '12345678', '00000000', '12345678', '00000000']) {
    const browser = newBrowser()
    const transaction = await open(database, browser, asked)
    await sendCode(database, browser, transaction.id, email, '12345678', { p_limits: limits })
    expect(await verifyCode(database, browser, transaction.id, code, { p_limits: limits })).toMatchObject({
      outcome: code === '12345678' ? 'verified' : 'wrong',
    })
  }
})
