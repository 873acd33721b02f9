import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { placeOf } from '../http/account-view.ts'
import { readFormPost } from '../http/form-post.ts'
import { htmlAnswer } from '../http/html.ts'
import { messagesOf } from '../http/language.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { clockOf, personFrame, presentedPerson, presentedViewer, signInFirst } from '../http/person.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { ticketFor } from '../http/transaction-pages.tsx'
import { SessionsPage } from '../pages/account-sessions.tsx'
import { refused } from '../protocol/errors.ts'
import { endOwnSessions, listOwnSessions } from '../store/sessions.ts'

const here = '/account/sessions'

/** Where a person is signed in, and signing out there (SECURITY §9; THREATS B9). */
export const accountSessionsRoute = new Hono<AppEnv>()
  .get(here, showSessions)
  .post('/account/sessions/end', rateLimit('RATE_CONSENT', 'account'), endSessions)
  .onError(answerWithPage)

async function showSessions(c: Context<AppEnv>): Promise<Response> {
  const listed = await listOwnSessions(c.var.store, await presentedPerson(c))
  if (listed.outcome === 'sign_in') return signInFirst(c, listed, here)
  const messages = messagesOf(c)
  const page = SessionsPage({
    frame: personFrame(c, listed.email),
    clock: clockOf(c),
    end: await ticketFor(c, 'end_sessions', await presentedViewer(c)),
    sessions: listed.sessions.map((session) => ({
      id: session.session_id,
      isCurrent: session.current,
      place: placeOf(session, messages),
      signedInAtSeconds: session.signed_in_at_seconds,
      lastUsedAtSeconds: session.last_used_at_seconds,
    })),
    done: new URL(c.req.url).searchParams.get('done') === 'ended' ? messages.sessions.done_ended : undefined,
  })
  return htmlAnswer(c, page)
}

async function endSessions(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'end_sessions')
  if (post instanceof Response) return post
  const extent = post.fields.get('extent')
  if (extent !== 'one' && extent !== 'others') throw refused('form_malformed')
  const ended = await endOwnSessions(c.var.store, {
    ...(await presentedPerson(c)),
    p_session_id: extent === 'one' ? readSessionId(post.fields.get('session')) : null,
    p_extent: extent,
    p_request: c.var.requestFacts,
  })
  if (ended.outcome === 'sign_in') return signInFirst(c, ended, here)
  // A session that has ended meanwhile is what was asked for.
  return c.redirect(`${here}?done=ended`, 303)
}

/** @throws OAuthError form_malformed when it cannot be an id of ours */
function readSessionId(id: string | undefined): string {
  if (id !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id
  throw refused('form_malformed')
}
