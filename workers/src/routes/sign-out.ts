import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { readBrowser } from '../http/browser.ts'
import { type FormPost, readFormPost } from '../http/form-post.ts'
import { htmlAnswer } from '../http/html.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { presentedPerson } from '../http/person.ts'
import { clearSession, readSession } from '../http/session.ts'
import { frameOf, pagePath, ticketFor } from '../http/transaction-pages.tsx'
import { SignOutPage } from '../pages/sign-out.tsx'
import { SignedOutPage } from '../pages/signed-out.tsx'
import { endOwnSessions, endSession } from '../store/sessions.ts'

/** Ends the session in the database, not only in the browser, or all sessions (B9); with a transaction, back to its sign-in. */
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
  if (post.fields.get('everywhere') === undefined) await endHere(c, post)
  else await endEverywhere(c)
  clearSession(c)
  return c.redirect(post.transaction === '' ? '/sign-out' : pagePath('/sign-in', post.transaction), 303)
}

function endHere(c: Context<AppEnv>, post: FormPost): Promise<unknown> {
  return endSession(c.var.store, {
    p_session_digests: post.session.digests,
    p_transaction_id: post.transaction === '' ? null : post.transaction,
    p_browser_digests: post.browser.digests,
    p_request: c.var.requestFacts,
  })
}

async function endEverywhere(c: Context<AppEnv>): Promise<unknown> {
  return endOwnSessions(c.var.store, {
    ...(await presentedPerson(c)),
    p_session_id: null,
    p_extent: 'all',
    p_request: c.var.requestFacts,
  })
}
