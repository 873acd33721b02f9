import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { randomBase64Url } from '../crypto/random.ts'
import type { Done } from '../pages/dashboard-parts.tsx'
import type { FormTicket } from '../pages/form.tsx'
import type { Frame } from '../pages/layout.tsx'
import { refused } from '../protocol/errors.ts'
import type { Reason } from '../protocol/reasons.ts'
import type { Caller } from '../store/servers.ts'
import { readServer, type ServerRow } from '../store/servers.ts'
import { messagesOf } from './language.ts'
import { type CallerRefusal, callerRefused } from './management-caller.ts'
import { queryOf } from './management-path.ts'
import { personFrame, presentedViewer, signInFirst } from './person.ts'
import { readSession } from './session.ts'
import { frameOf, ticketFor } from './transaction-pages.tsx'

// The owner's pages call the functions of /api, for the person of the session instead of the bearer of a token.

/** Who looks at the dashboard. `isFresh` asks for a sign-in of the last minutes (THREATS J22). */
export async function dashboardCaller(c: Context<AppEnv>, freshness: 'any' | 'fresh' = 'any'): Promise<Caller> {
  const { lifetimes } = c.var.config
  const { digests } = await readSession(c)
  const fresh_seconds = freshness === 'fresh' ? lifetimes.fresh_sign_in_seconds : undefined
  return { kind: 'session', digests, idle_seconds: lifetimes.session_idle_seconds, fresh_seconds }
}

/**
 * The way on from a refusal: to the sign-in and back to this page, or a page that says what is wrong.
 * @throws OAuthError for everything that no sign-in mends
 */
export async function refusedOnPage(c: Context<AppEnv>, refusal: CallerRefusal, missing: Reason): Promise<Response> {
  if (refusal.outcome === 'sign_in' || refusal.outcome === 'not_fresh') return signInFirst(c, refusal, c.req.path)
  throw await callerRefused(c, refusal, missing)
}

/** A server, and the address of the person whose it is and who looks at it. */
export type OwnServer = ServerRow & { readonly viewer_email: string | undefined }

/** One of the person's servers, or the answer that stands in its place. */
export async function ownServer(c: Context<AppEnv>, server_id: string): Promise<OwnServer | Response> {
  const found = await readServer(c.var.store, { p_server_id: server_id, p_caller: await dashboardCaller(c) })
  // What anybody may see of a stranger's server is no reason to show its dashboard (J3).
  if (found.outcome === 'found_public') throw refused('server_not_found')
  if (found.outcome !== 'found') return refusedOnPage(c, found, 'server_not_found')
  return { ...found.server, viewer_email: found.viewer_email }
}

/** The frame of an owner's page: it says who is signed in. */
export function ownerFrame(c: Context<AppEnv>, email: string | undefined): Frame {
  return email === undefined ? frameOf(c) : personFrame(c, email)
}

/** What the form before this page did; nothing else that an address may say is shown. */
export function doneOf(c: Context<AppEnv>): Done | undefined {
  const done = c.req.query('done') ?? ''
  return isDone(done, messagesOf(c).dashboard.done) ? done : undefined
}

function isDone(done: string, known: Readonly<Record<Done, string>>): done is Done {
  return Object.hasOwn(known, done)
}

/** The query of a page without what was done, and without what a form left empty. */
export function filterOf(c: Context<AppEnv>): URLSearchParams {
  const given = [...queryOf(c)].filter(([name, value]) => name !== 'done' && value !== '')
  return new URLSearchParams(given)
}

/** The ticket of every form on a page: it goes back to the page itself, and its button says what is meant. */
export async function dashboardTicket(c: Context<AppEnv>): Promise<FormTicket> {
  const ticket = await ticketFor(c, 'dashboard', await presentedViewer(c))
  return { ...ticket, action: c.req.path, once: randomBase64Url(16) }
}
