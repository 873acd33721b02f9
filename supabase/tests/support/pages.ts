import type { Browser } from './builders.ts'
import type { Answer, TestDatabase } from './database.ts'
import { digest, id, lifetimes } from './values.ts'

/** Begins a sign-in for one of our own pages, and gives its id beside the answer. */
export async function openSignIn(
  database: TestDatabase,
  browser: Browser,
  changes: Record<string, unknown> = {},
): Promise<Answer & { id: string }> {
  const p_transaction_id = id()
  const answer = await database.call('open_sign_in', {
    p_transaction_id,
    p_browser_digests: [digest(browser.cookie)],
    p_browser_digest: digest(browser.cookie),
    p_kid: 'k1',
    p_session_digests: [digest(browser.session)],
    p_page: '/account',
    p_fresh_seconds: null,
    p_lifetimes: lifetimes,
    p_max_open_transactions: 10,
    ...changes,
  })
  return { ...answer, id: p_transaction_id }
}

export function readTransaction(database: TestDatabase, browser: Browser, transactionId: string): Promise<Answer> {
  return database.call('read_transaction', {
    p_transaction_id: transactionId,
    p_browser_digests: [digest(browser.cookie)],
    p_session_digests: [digest(browser.session)],
    p_session_idle_seconds: lifetimes.session_idle_seconds,
  })
}

/** How a function knows the person whose page it is about. */
export const asPerson = (browser: Browser) => ({
  p_session_digests: [digest(browser.session)],
  p_session_idle_seconds: lifetimes.session_idle_seconds,
})

/** Calls a function of the account's pages as this person. */
export function own(
  database: TestDatabase,
  browser: Browser,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Answer> {
  return database.call(name, { ...asPerson(browser), ...args })
}
