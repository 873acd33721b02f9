import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { readFormPost } from '../http/form-post.ts'
import { htmlAnswer } from '../http/html.ts'
import { messagesOf } from '../http/language.ts'
import { circumstancesOf, mailLater } from '../http/mail-later.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { personFrame, presentedPerson, presentedViewer, signInFirst } from '../http/person.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { clearSession } from '../http/session.ts'
import { frameOf, ticketFor } from '../http/transaction-pages.tsx'
import { DataPage } from '../pages/account-data.tsx'
import { DeletedPage, DeletePage } from '../pages/account-delete.tsx'
import { deletedMail } from '../pages/mails.ts'
import { deleteOwnAccount, exportOwnAccount, readPerson } from '../store/account.ts'

/** What is kept about a person: to take along, and to delete. */
export const accountDataRoute = new Hono<AppEnv>()
  .get('/account/data', showData)
  .get('/account/data/download', rateLimit('RATE_CONSENT', 'download'), download)
  .get('/account/delete', (c) => showDelete(c))
  .post('/account/delete', rateLimit('RATE_CONSENT', 'account'), deleteAccount)
  .onError(answerWithPage)

async function showData(c: Context<AppEnv>): Promise<Response> {
  const person = await readPerson(c.var.store, { ...(await presentedPerson(c)), p_fresh_seconds: null })
  if (person.outcome !== 'found') return signInFirst(c, person, '/account/data')
  return htmlAnswer(c, DataPage({ frame: personFrame(c, person.email), email: person.email }))
}

async function download(c: Context<AppEnv>): Promise<Response> {
  const exported = await exportOwnAccount(c.var.store, await presentedPerson(c))
  if (exported.outcome === 'sign_in') return signInFirst(c, exported, '/account/data')
  const { outcome, ...own } = exported
  return c.body(JSON.stringify(own, null, 2), 200, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Disposition': 'attachment; filename="auth-agent-account.json"',
  })
}

type Problem = { readonly problem: string; readonly status: 400 }

async function showDelete(c: Context<AppEnv>, problem?: Problem): Promise<Response> {
  const p_fresh_seconds = c.var.config.lifetimes.fresh_sign_in_seconds
  const person = await readPerson(c.var.store, { ...(await presentedPerson(c)), p_fresh_seconds })
  if (person.outcome !== 'found') return signInFirst(c, person, '/account/delete')
  const page = DeletePage({
    frame: personFrame(c, person.email),
    ticket: await ticketFor(c, 'delete_account', await presentedViewer(c)),
    email: person.email,
    problem: problem?.problem,
  })
  return htmlAnswer(c, page, { status: problem?.status ?? 200 })
}

async function deleteAccount(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'delete_account')
  if (post instanceof Response) return post
  if (post.fields.get('confirm') !== 'yes') {
    return showDelete(c, { problem: messagesOf(c).delete.unconfirmed, status: 400 })
  }
  const deleted = await deleteOwnAccount(c.var.store, {
    ...(await presentedPerson(c)),
    p_fresh_seconds: c.var.config.lifetimes.fresh_sign_in_seconds,
    p_request: c.var.requestFacts,
  })
  if (deleted.outcome !== 'deleted') return signInFirst(c, deleted, '/account/delete')
  clearSession(c)
  const frame = frameOf(c)
  mailLater(c, deleted.email, deletedMail(frame, circumstancesOf(c, frame)))
  return htmlAnswer(c, DeletedPage({ frame }))
}
