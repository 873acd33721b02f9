import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { hmac, isEqualSecret } from '../crypto/digest.ts'
import { toBase64Url } from '../crypto/encoding.ts'
import { mediaType } from './body.ts'

/** What a form is for; a token made for one is worth nothing for another. */
export type FormPurpose =
  | 'sign_in'
  | 'code'
  | 'passkey'
  | 'consent'
  | 'sign_out'
  | 'revoke_connections'
  | 'narrow_connection'
  | 'end_sessions'
  | 'add_passkey'
  | 'rename_passkey'
  | 'remove_passkey'
  | 'lost_passkeys'
  | 'unlink'
  | 'delete_account'
  | 'dashboard'

/** What a form is bound to. Any of these changing in another tab makes the form stale (B12). */
export type FormBinding = {
  readonly purpose: FormPurpose
  readonly browser: string
  readonly session: string
  readonly transaction: string
}

function message({ purpose, browser, session, transaction }: FormBinding): string {
  return ['form', purpose, browser, session, transaction].join('\0')
}

/** The synchronizer token of a form (SECURITY §10). */
export async function formToken(c: Context<AppEnv>, binding: FormBinding): Promise<string> {
  const [newest] = c.var.config.cookieKeys
  return toBase64Url(await hmac(newest.key, message(binding)))
}

export async function isFormToken(c: Context<AppEnv>, binding: FormBinding, token: string): Promise<boolean> {
  const expected = await Promise.all(c.var.config.cookieKeys.map(({ key }) => hmac(key, message(binding))))
  return expected.some((bytes) => isEqualSecret(toBase64Url(bytes), token))
}

/**
 * Whether a POST comes from a page of ours (SECURITY §10). `Origin` is on every form POST of a browser, so its absence
 * is refused too; `Sec-Fetch-Site` is missing in older ones.
 */
export function isFromOurPage(c: Context<AppEnv>): boolean {
  const site = c.req.header('sec-fetch-site')
  return c.req.header('origin') === c.var.config.issuer && (site === undefined || site === 'same-origin')
}

/** What forms are sent as; the checks above do not depend on it, so an odd content type passes none of them by (B4). */
export function isFormEncoded(c: Context<AppEnv>): boolean {
  return mediaType(c.req.header('content-type')) === 'application/x-www-form-urlencoded'
}
