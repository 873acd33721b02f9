import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { readBrowser } from '../http/browser.ts'
import { readFormPost } from '../http/form-post.ts'
import { htmlAnswer } from '../http/html.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { clearSession, readSession } from '../http/session.ts'
import { frameOf, pagePath, ticketFor } from '../http/transaction-pages.tsx'
import { SignOutPage } from '../pages/sign-out.tsx'
import { SignedOutPage } from '../pages/signed-out.tsx'
import { endSession } from '../store/sessions.ts'

/** Ends the session in the database, not only in the browser (B9); with a transaction, back to its sign-in. */
export const signOutRoute = new Hono<AppEnv>()
  .get('/sign-out', showSignOut)
  .post('/sign-out', signOut)
  .onError(answerWithPage)

async function showSignOut(c: Context<AppEnv>): Promise<Response> {
  const session = await readSession(c)
  const frame = frameOf(c)
  if (session.value === '') return htmlAnswer(c, SignedOutPage({ frame }))
  const browser = await readBrowser(c)
  const ticket = await ticketFor(c, 'sign_out', { browser: browser?.value ?? '', session: session.value })
  return htmlAnswer(c, SignOutPage({ frame, ticket }))
}

async function signOut(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'sign_out')
  if (post instanceof Response) return post
  await endSession(c.var.store, {
    p_session_digests: post.session.digests,
    p_transaction_id: post.transaction === '' ? null : post.transaction,
    p_browser_digests: post.browser.digests,
    p_request: c.var.requestFacts,
  })
  clearSession(c)
  return c.redirect(post.transaction === '' ? '/sign-out' : pagePath('/sign-in', post.transaction), 303)
}
