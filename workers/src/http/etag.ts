import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { sha256 } from '../crypto/digest.ts'
import { toBase64Url } from '../crypto/encoding.ts'

/**
 * A public document with a strong validator (RFC 9110 §8.8.3), answered 304 when the caller has it.
 * Five minutes: the next signing key is published a day before its use, and a wrong value is gone as soon (K14).
 */
export async function cacheableJson(c: Context<AppEnv>, document: object): Promise<Response> {
  const body = JSON.stringify(document)
  const etag = `"${toBase64Url(await sha256(body)).slice(0, 22)}"`
  const headers = { ETag: etag, 'Cache-Control': 'public, max-age=300' }
  if (matches(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers)
  return c.body(body, 200, { ...headers, 'Content-Type': 'application/json' })
}

/** If-None-Match compares weakly (RFC 9110 §13.1.2), and a proxy that compresses makes our validator weak. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const given = (ifNoneMatch ?? '').split(',').map((value) => value.trim().replace(/^W\//, ''))
  return given.includes(etag) || given.includes('*')
}
