import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { AppEnv } from '../context.ts'
import { newSecret } from '../crypto/random.ts'

/** The shape of each cookie's value: what has another one is never looked up. */
const shapes = {
  browser: /^[A-Za-z0-9_-]{43}$/,
  session: /^[A-Za-z0-9_-]{43}$/,
  device: /^[A-Za-z0-9_-]{22}(~[0-9]{1,12}\.[A-Za-z0-9_-]{22}){1,4}$/,
  language: /^[a-z]{2,8}$/,
  passkey: /^used$/,
} as const

export type CookieKind = keyof typeof shapes

/**
 * `__Host-` ties a cookie to this very host, so that no sibling host can plant one. A browser takes such a cookie only
 * over https; the plain name is for an http issuer, which exists on loopback alone (SECURITY §9).
 */
function cookieName(c: Context<AppEnv>, kind: CookieKind): string {
  return isHttps(c) ? `__Host-${kind}` : kind
}

function isHttps(c: Context<AppEnv>): boolean {
  return c.var.config.issuer.startsWith('https://')
}

/** The value of a cookie of ours, or undefined when there is none of its shape. */
export function readCookie(c: Context<AppEnv>, kind: CookieKind): string | undefined {
  const value = getCookie(c, cookieName(c, kind))
  return value !== undefined && shapes[kind].test(value) ? value : undefined
}

/** 256 fresh bits; a value that a browser brought along is never given a meaning (B6). */
export function newCookieValue(): string {
  return newSecret()
}

/** Lax: the way back from a client or a mail is a cross-site navigation, and must still carry it. */
export function writeCookie(c: Context<AppEnv>, kind: CookieKind, value: string, maxAgeSeconds: number): void {
  setCookie(c, cookieName(c, kind), value, {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    secure: isHttps(c),
    maxAge: maxAgeSeconds,
  })
}

export function clearCookie(c: Context<AppEnv>, kind: CookieKind): void {
  deleteCookie(c, cookieName(c, kind), { path: '/', secure: isHttps(c) })
}
