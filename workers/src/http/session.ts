import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { digestsToCompare, digestToStore, type StoredDigest } from '../crypto/digest.ts'
import { clearCookie, newCookieValue, readCookie, writeCookie } from './cookies.ts'

/** What the browser presents as its session; whether it lives is decided in the database, with each call. */
export type PresentedSession = { readonly value: string; readonly digests: readonly string[] }

const noSession: PresentedSession = { value: '', digests: [] }

export async function readSession(c: Context<AppEnv>): Promise<PresentedSession> {
  const value = readCookie(c, 'session')
  if (value === undefined) return noSession
  return { value, digests: await digestsToCompare(c.var.config.tokenPeppers, 'session', value) }
}

/** A session's next cookie: always a new value, also when the browser already has one (SECURITY §9). */
export type NewSession = { readonly value: string; readonly stored: StoredDigest }

export async function newSession(c: Context<AppEnv>): Promise<NewSession> {
  const value = newCookieValue()
  return { value, stored: await digestToStore(c.var.config.tokenPeppers, 'session', value) }
}

/** To be called only once the database has made the session. */
export function writeSession(c: Context<AppEnv>, session: NewSession): void {
  writeCookie(c, 'session', session.value, c.var.config.lifetimes.session_absolute_seconds)
}

export function clearSession(c: Context<AppEnv>): void {
  clearCookie(c, 'session')
}
