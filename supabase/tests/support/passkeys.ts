import { type Browser, newBrowser, newPerson, open, type Person } from './builders.ts'
import type { Answer, TestDatabase } from './database.ts'
import { own } from './pages.ts'
import { digest, id, lifetimes, publicPart, request } from './values.ts'

export const freshSeconds = 900
export const maximum = 20

/** What the Worker has verified of a new passkey. */
export function newPasskey(changes: Record<string, unknown> = {}) {
  return {
    passkey_id: `pky_${publicPart()}`,
    credential_id: id(),
    public_key: '\\xa5010203262001',
    sign_count: 0,
    transports: ['internal', 'hybrid'],
    backup_eligible: true,
    backed_up: false,
    name: 'Laptop',
    ...changes,
  }
}
export type Passkey = ReturnType<typeof newPasskey>

export function beginPasskey(database: TestDatabase, person: Browser, challenge: string): Promise<Answer> {
  return own(database, person, 'begin_passkey', {
    p_fresh_seconds: freshSeconds,
    p_challenge_digest: digest(challenge),
    p_maximum: maximum,
  })
}

export function answerChallenge(
  database: TestDatabase,
  person: Browser,
  challenge: string,
  passkey: Passkey,
  changes: Record<string, unknown> = {},
): Promise<Answer> {
  return own(database, person, 'add_passkey', {
    p_fresh_seconds: freshSeconds,
    p_challenge_digests: [digest(challenge)],
    p_passkey: passkey,
    p_maximum: maximum,
    p_request: request,
    ...changes,
  })
}

/** A passkey of this person. */
export async function addPasskey(database: TestDatabase, person: Browser, changes: Record<string, unknown> = {}) {
  const passkey = newPasskey(changes)
  const challenge = id()
  await beginPasskey(database, person, challenge)
  const answer = await answerChallenge(database, person, challenge, passkey)
  if (answer.outcome !== 'added') throw new Error(JSON.stringify(answer))
  return passkey
}

export function takeChallenge(
  database: TestDatabase,
  browser: Browser,
  transactionId: string,
  credentialId: string,
): Promise<Answer> {
  return database.call('take_passkey_challenge', {
    p_transaction_id: transactionId,
    p_browser_digests: [digest(browser.cookie)],
    p_credential_id: credentialId,
    p_request: request,
  })
}

/** Signs in with a passkey whose answer the Worker has found right. */
export function verifyPasskey(
  database: TestDatabase,
  browser: Browser,
  transactionId: string,
  passkey: Pick<Passkey, 'passkey_id'>,
  changes: Record<string, unknown> = {},
): Promise<Answer> {
  return database.call('verify_passkey', {
    p_transaction_id: transactionId,
    p_browser_digests: [digest(browser.cookie)],
    p_passkey_id: passkey.passkey_id,
    p_proof: { sign_count: 0, backed_up: true },
    p_reason: null,
    p_old_session_digests: [],
    p_session_digest: digest(browser.session),
    p_kid: 'k1',
    p_lifetimes: lifetimes,
    p_request: request,
    ...changes,
  })
}

/** The same person in a browser of its own, signed in with this passkey. */
export async function byPasskey(
  database: TestDatabase,
  person: Person,
  passkey: Pick<Passkey, 'passkey_id'>,
): Promise<Person> {
  const browser = newBrowser()
  const transaction = await open(database, browser, { scope: ['openid'] })
  const answer = await verifyPasskey(database, browser, transaction.id, passkey)
  if (answer.outcome !== 'verified') throw new Error(JSON.stringify(answer))
  return { ...person, ...browser }
}

/** As if the person's first passkey had been made long enough ago. */
export async function settlePasskeys(database: TestDatabase, { account_id }: Person): Promise<void> {
  await database.query('update mcp_data.passkeys set settles_at = now() where account_id = $1', [account_id])
}

/** Somebody signed in by code, with a passkey that is theirs for good. */
export async function passkeyOwner(database: TestDatabase): Promise<{ person: Person; passkey: Passkey }> {
  const person = await newPerson(database)
  const passkey = await addPasskey(database, person)
  await settlePasskeys(database, person)
  return { person, passkey }
}

export const waitSeconds = 259_200
export const confirmSeconds = 604_800

export function reportLost(database: TestDatabase, person: Browser): Promise<Answer> {
  return own(database, person, 'report_lost_passkeys', {
    p_fresh_seconds: freshSeconds,
    p_wait_seconds: waitSeconds,
    p_confirm_seconds: confirmSeconds,
    p_request: request,
  })
}

export function keepPasskeys(database: TestDatabase, person: Browser): Promise<Answer> {
  return own(database, person, 'keep_passkeys', { p_request: request })
}

export function removeLost(database: TestDatabase, person: Browser): Promise<Answer> {
  return own(database, person, 'remove_lost_passkeys', { p_fresh_seconds: freshSeconds, p_request: request })
}

export function removePasskey(database: TestDatabase, person: Browser, passkeyId: string): Promise<Answer> {
  const args = { p_fresh_seconds: freshSeconds, p_passkey_id: passkeyId, p_request: request }
  return own(database, person, 'remove_passkey', args)
}

/** As if this much of the wait had gone by. */
export async function passWait(database: TestDatabase, { account_id }: Person, seconds: number): Promise<void> {
  await database.query(
    `update mcp_data.lost_passkeys set reported_at = reported_at - $2::interval, removable_at = removable_at - $2::interval,
       lapses_at = lapses_at - $2::interval where account_id = $1`,
    [account_id, `${seconds} seconds`],
  )
}

/** What was written down of this person's passkeys, the oldest first. */
export async function passkeyEvents(database: TestDatabase, { account_id }: Person): Promise<unknown[]> {
  const text = `select event, reason from mcp_data.audit_events where event like 'passkey.%' and account_id = $1
    order by occurred_at, event`
  return (await database.query(text, [account_id])).map(({ event, reason }) => [event, reason])
}

export async function passkeysOf(database: TestDatabase, person: Browser): Promise<Record<string, unknown>[]> {
  const answer = await own(database, person, 'list_passkeys')
  return answer.passkeys as Record<string, unknown>[]
}

/** As if the last sign-in was longer ago than a dangerous act allows. */
export async function ageSignIn(database: TestDatabase, person: Browser): Promise<void> {
  await database.query(
    `update mcp_data.sessions set auth_time = auth_time - interval '16 minutes'
     where session_digest = sha256(convert_to($1, 'UTF8'))`,
    [person.session],
  )
}
