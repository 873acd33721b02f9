import { type Browser, newBrowser, newPerson, open, type Person, verifyCode } from './builders.ts'
import type { Answer, TestDatabase } from './database.ts'
import { codeLimits, digest, id, lifetimes, newEmail, request } from './values.ts'

export const upstream = 'https://accounts.example'

export type Identity = { issuer: string; subject: string; email?: string; auth_time_seconds?: number }

export const newIdentity = (changes: Partial<Identity> = {}): Identity => ({
  issuer: upstream,
  subject: id(),
  email: newEmail(),
  ...changes,
})

/** Comes back from a provider that vouches for this; the code that is sent is 12345678. */
export function comeBack(
  database: TestDatabase,
  browser: Browser,
  transactionId: string,
  identity: Identity,
): Promise<Answer> {
  return database.call('sign_in_with_provider', {
    p_transaction_id: transactionId,
    p_browser_digests: [digest(browser.cookie)],
    p_identity: identity,
    p_code: { digest: digest(`${transactionId}.12345678`), kid: 'k1', limits: codeLimits, device: null, ip: null },
    p_old_session_digests: [],
    p_session_digest: digest(browser.session),
    p_kid: 'k1',
    p_lifetimes: lifetimes,
    p_request: request,
  })
}

/** A browser at the sign-in page of an authorization. */
export async function atTheDoor(
  database: TestDatabase,
  authorization: Record<string, unknown> = { scope: ['openid'] },
) {
  const browser = newBrowser()
  return { browser, transaction: await open(database, browser, authorization) }
}

/** Somebody whose account elsewhere is linked. */
export async function linkedPerson(database: TestDatabase): Promise<{ person: Person; identity: Identity }> {
  const person = await newPerson(database)
  const identity = newIdentity({ email: person.email })
  const { browser, transaction } = await atTheDoor(database)
  await comeBack(database, browser, transaction.id, identity)
  const verified = await verifyCode(database, browser, transaction.id)
  if (verified.outcome !== 'verified') throw new Error(JSON.stringify(verified))
  return { person, identity }
}
