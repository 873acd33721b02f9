import type { Context, MiddlewareHandler } from 'hono'
import type { AppEnv } from '../context.ts'
import type { Frame } from '../pages/layout.tsx'
import type { Clock } from '../pages/moment.tsx'
import type { PersonArguments } from '../store/account.ts'
import { readBrowser } from './browser.ts'
import { readCookie } from './cookies.ts'
import { languageOf } from './language.ts'
import { readOwnPage } from './own-page.ts'
import { readSession } from './session.ts'
import { frameOf, type Viewer } from './transaction-pages.tsx'

// What the pages of signed-in people have in common: who looks at them, and the way to sign in. Whether a session lives,
// and is fresh enough, is decided in the database with each call (`person_of`).

/** How the database knows the person whose page this is. */
export async function presentedPerson(c: Context<AppEnv>): Promise<PersonArguments> {
  const session = await readSession(c)
  return {
    p_session_digests: session.digests,
    p_session_idle_seconds: c.var.config.lifetimes.session_idle_seconds,
  }
}

/** Whom the forms of such a page are made for. */
export async function presentedViewer(c: Context<AppEnv>): Promise<Viewer> {
  const [browser, session] = await Promise.all([readBrowser(c), readSession(c)])
  return { browser: browser?.value ?? '', session: session.value }
}

export type PersonRefusal =
  | { readonly outcome: 'sign_in' }
  | { readonly outcome: 'not_fresh'; readonly by?: 'passkey' | undefined }

/**
 * The way to sign in and back to this page of ours. A dangerous act is refused with `not_fresh` after 15 minutes: then
 * whoever is signed in is asked once more, by passkey where nothing else is enough, and comes back to the page where the act
 * is offered (THREATS J22).
 */
export function signInFirst(c: Context<AppEnv>, refusal: PersonRefusal, page: string): Response {
  const query = new URLSearchParams({ return_to: page })
  if (refusal.outcome === 'not_fresh') query.set('fresh', 'yes')
  if (refusal.outcome === 'not_fresh' && refusal.by !== undefined) query.set('by', refusal.by)
  return c.redirect(`/sign-in?${query.toString()}`, 303)
}

/** Who brings no session needs no look into the database to be told to sign in (THREATS M8). */
export const needsSession: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.method === 'GET' && readCookie(c, 'session') === undefined) {
    return signInFirst(c, { outcome: 'sign_in' }, readOwnPage(c.req.path))
  }
  return next()
}

/** The frame of a page that shows who is signed in. */
export function personFrame(c: Context<AppEnv>, email: string): Frame {
  return { ...frameOf(c), person: { email } }
}

export function clockOf(c: Context<AppEnv>): Clock {
  return { nowSeconds: Math.floor(c.var.clock() / 1000), language: languageOf(c) }
}
