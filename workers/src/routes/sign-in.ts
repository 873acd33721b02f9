import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { digestToStore, emailCodeValue } from '../crypto/digest.ts'
import { codeMail } from '../email/code-mail.ts'
import { hostOf } from '../http/consent-view.ts'
import { type FormPost, readFormPost } from '../http/form-post.ts'
import { gone } from '../http/gone.ts'
import { htmlAnswer } from '../http/html.ts'
import { describeCause } from '../http/log.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { see, seeAddressed } from '../http/read-transaction.ts'
import { frameOf, pagePath, signInAnswer } from '../http/transaction-pages.tsx'
import { messages } from '../pages/messages.ts'
import { NothingToDoPage } from '../pages/nothing-to-do.tsx'
import { parseEmailAddress } from '../protocol/email-address.ts'
import { assertNever } from '../protocol/errors.ts'
import { sendEmailCode } from '../store/email-codes.ts'

/** The first page of a sign-in: for which address (SECURITY §15 to §17). */
export const signInRoute = new Hono<AppEnv>()
  .get('/sign-in', showSignIn)
  .post('/sign-in', sendCode)
  .onError(answerWithPage)

async function showSignIn(c: Context<AppEnv>): Promise<Response> {
  const seen = await seeAddressed(c)
  if (seen === undefined) return htmlAnswer(c, NothingToDoPage({ frame: frameOf(c) }))
  const { read, transaction, viewer } = seen
  switch (read.outcome) {
    case 'transaction_gone':
      return deadEnd(c, gone(read.reason))
    case 'consent':
      return c.redirect(pagePath('/consent', transaction), 303)
    case 'sign_in':
      return signInAnswer(c, read.transaction, { viewer, ...(read.email !== undefined && { email: read.email }) })
    default:
      return assertNever(read)
  }
}

async function sendCode(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'sign_in')
  if (post instanceof Response) return post
  const typed = post.fields.get('email') ?? ''
  const email = readAddress(typed)
  if (email === undefined) return askAgain(c, post, typed)
  const code = c.var.signIn.newCode()
  const { config, store, requestFacts, limitAddress } = c.var
  const stored = await digestToStore(config.tokenPeppers, 'email_code', emailCodeValue(post.transaction, code))
  const sent = await sendEmailCode(store, {
    p_transaction_id: post.transaction,
    p_browser_digests: post.browser.digests,
    p_email: email,
    p_code_digest: stored.digest,
    p_kid: stored.kid,
    p_limits: config.limits,
    p_ip: limitAddress ?? null,
    p_request: requestFacts,
  })
  if (sent.outcome === 'transaction_gone') return deadEnd(c, gone(sent.reason))
  if (sent.outcome === 'sent') mailLater(c, { to: sent.email, code, serverHost: sent.server_host })
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

type Mail = { readonly to: string; readonly code: string; readonly serverHost: string | undefined }

/** After the answer, so that its time tells nothing of the address (SECURITY §16). */
function mailLater(c: Context<AppEnv>, mail: Mail): void {
  const { config, sendEmail } = c.var
  const minutes = Math.floor(config.limits.code_seconds / 60)
  const message = codeMail(messages.mail, { ...mail, minutes, issuerHost: hostOf(config.issuer) })
  c.executionCtx.waitUntil(sendEmail(message).catch((cause: unknown) => logFailure(c, cause)))
}

function logFailure(c: Context<AppEnv>, cause: unknown): void {
  c.var.log({
    level: 'error',
    request_id: c.var.requestId,
    method: 'POST',
    route: '/sign-in',
    status: 303,
    reason: 'email_not_sent',
    ms: 0,
    database_calls: 0,
    cause: describeCause(cause),
  })
}

/** 400 with the same page, so that what was typed can be corrected. */
async function askAgain(c: Context<AppEnv>, post: FormPost, typed: string): Promise<Response> {
  const { read, viewer } = await see(c, post.transaction)
  if (read.outcome === 'transaction_gone') return deadEnd(c, gone(read.reason))
  c.set('reason', 'email_malformed')
  const problem = typed === '' ? messages.sign_in.email_missing : messages.sign_in.email_refused
  return signInAnswer(c, read.transaction, { viewer, email: typed.slice(0, 254), problem, status: 400 })
}
