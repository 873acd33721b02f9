import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { newTransactionId } from '../crypto/random.ts'
import { ensureBrowser } from '../http/browser.ts'
import { knownDevice } from '../http/device.ts'
import { type FormPost, readFormPost } from '../http/form-post.ts'
import { gone } from '../http/gone.ts'
import { messagesOf } from '../http/language.ts'
import { mailCode, newEmailCodeFor } from '../http/mail-code.ts'
import { readOwnPage } from '../http/own-page.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { rateLimit } from '../http/rate-limit.ts'
import { see, seeAddressed } from '../http/read-transaction.ts'
import { readSession } from '../http/session.ts'
import { pagePath, signInAnswer } from '../http/transaction-pages.tsx'
import { parseEmailAddress } from '../protocol/email-address.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import { parametersFrom } from '../protocol/parameters.ts'
import { sendEmailCode } from '../store/email-codes.ts'
import { openSignIn } from '../store/transactions.ts'

/** The first page of a sign-in: for which address (SECURITY §15 to §17). Without a transaction it is for a page of ours. */
export const signInRoute = new Hono<AppEnv>()
  .get('/sign-in', rateLimit('RATE_AUTHORIZE', 'sign_in'), showSignIn)
  .post('/sign-in', rateLimit('RATE_CODE_CHECK', 'send_code'), sendCode)
  .onError(answerWithPage)

async function showSignIn(c: Context<AppEnv>): Promise<Response> {
  const seen = await seeAddressed(c)
  if (seen === undefined) return beginSignIn(c)
  const { read, transaction, viewer } = seen
  switch (read.outcome) {
    case 'transaction_gone':
      return deadEnd(c, gone(read.reason))
    case 'consent':
      return c.redirect(pagePath('/consent', transaction), 303)
    case 'page':
      return c.redirect(read.page, 303)
    case 'sign_in':
    case 'page_sign_in':
      return signInAnswer(c, read.transaction, { viewer, ...(read.email !== undefined && { email: read.email }) })
    default:
      return assertNever(read)
  }
}

/**
 * `return_to` names a page of ours, `fresh` asks again whoever signed in longer ago, `by=passkey` whoever signed in by anything
 * else; none needs to be trusted.
 */
async function beginSignIn(c: Context<AppEnv>): Promise<Response> {
  const parameters = parametersFrom(new URL(c.req.url).searchParams)
  const page = readOwnPage(parameters.get('return_to'))
  const { config, store } = c.var
  const browser = await ensureBrowser(c)
  const session = await readSession(c)
  const opened = await openSignIn(store, {
    p_transaction_id: newTransactionId(),
    p_browser_digests: browser.digests,
    p_browser_digest: browser.stored.digest,
    p_kid: browser.stored.kid,
    p_session_digests: session.digests,
    p_page: page,
    p_fresh_seconds: parameters.get('fresh') === undefined ? null : config.lifetimes.fresh_sign_in_seconds,
    p_lifetimes: config.lifetimes,
    p_max_open_transactions: config.limits.open_transactions,
    p_needs_passkey: parameters.get('by') === 'passkey',
  })
  if (opened.outcome === 'signed_in') return c.redirect(page, 303)
  return signInAnswer(c, opened.transaction, { viewer: { browser: browser.value, session: session.value } })
}

async function sendCode(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'sign_in')
  if (post instanceof Response) return post
  const typed = post.fields.get('email') ?? ''
  const email = readAddress(typed)
  if (email === undefined) return askAgain(c, post, typed)
  const { config, store, requestFacts, limitAddress } = c.var
  const { code, stored } = await newEmailCodeFor(c, post.transaction)
  const sent = await sendEmailCode(store, {
    p_transaction_id: post.transaction,
    p_browser_digests: post.browser.digests,
    p_email: email,
    p_code_digest: stored.digest,
    p_kid: stored.kid,
    p_limits: config.limits,
    p_device: await knownDevice(c, email),
    p_ip: limitAddress ?? null,
    p_request: requestFacts,
  })
  if (sent.outcome === 'transaction_gone') return deadEnd(c, gone(sent.reason))
  if (sent.outcome === 'switched_off') return deadEnd(c, refused('email_sign_in_off'))
  if (sent.outcome === 'sent') mailCode(c, code, sent)
  else c.set('reason', 'email_code_suppressed')
  // The same answer whether a mail goes out or a limit holds it back (C5, C6).
  return c.redirect(pagePath('/sign-in/code', post.transaction), 303)
}

/** A typing error is corrected on the same page, so here it is no exception. */
function readAddress(typed: string): string | undefined {
  try {
    return parseEmailAddress(typed)
  } catch {
    return undefined
  }
}

/** 400 with the same page, so that what was typed can be corrected. */
async function askAgain(c: Context<AppEnv>, post: FormPost, typed: string): Promise<Response> {
  const { read, viewer } = await see(c, post.transaction)
  if (read.outcome === 'transaction_gone') return deadEnd(c, gone(read.reason))
  if (read.outcome === 'page') return c.redirect(read.page, 303)
  c.set('reason', 'email_malformed')
  const text = messagesOf(c).sign_in
  const problem = typed === '' ? text.email_missing : text.email_refused
  return signInAnswer(c, read.transaction, { viewer, email: typed.slice(0, 254), problem, status: 400 })
}
