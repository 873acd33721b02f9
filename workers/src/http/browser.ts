import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { digestsToCompare, digestToStore, type StoredDigest } from '../crypto/digest.ts'
import { newCookieValue, readCookie, writeCookie } from './cookies.ts'

/** One cookie a browser, many transactions: parallel tabs work, and each is bound to this browser (SECURITY §8). */
export type Browser = {
  readonly value: string
  /** What stored digests may equal; empty for a browser that has just been given its cookie. */
  readonly digests: readonly string[]
}

const browserCookieSeconds = 86_400

/** The browser as it presents itself, or undefined when it brought no cookie of ours. */
export async function readBrowser(c: Context<AppEnv>): Promise<Browser | undefined> {
  const value = readCookie(c, 'browser')
  if (value === undefined) return undefined
  return { value, digests: await digestsToCompare(c.var.config.tokenPeppers, 'browser', value) }
}

/** The browser, made known with a new cookie when it is not yet, and the digest to bind a transaction to. */
export async function ensureBrowser(c: Context<AppEnv>): Promise<Browser & { readonly stored: StoredDigest }> {
  const known = await readBrowser(c)
  const browser = known ?? { value: newCookieValue(), digests: [] }
  writeCookie(c, 'browser', browser.value, browserCookieSeconds)
  return { ...browser, stored: await digestToStore(c.var.config.tokenPeppers, 'browser', browser.value) }
}
