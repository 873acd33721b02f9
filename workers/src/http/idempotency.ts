import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { sha256 } from '../crypto/digest.ts'
import { toBytea } from '../crypto/encoding.ts'
import { refused } from '../protocol/errors.ts'
import type { Idempotency } from '../store/rows.ts'
import type { Caller } from '../store/servers.ts'

/** A creation that may be repeated: what the database compares, and what a secret may be drawn from again. */
export type Repeatable = { readonly idempotency: Idempotency; readonly request: string }

/** Keys of different callers are different keys, whatever they chose. */
function identityOf(caller: Caller | null): string {
  switch (caller?.kind) {
    case 'management':
      return `management ${caller.public_part}`
    case 'personal':
      return `personal ${caller.token_id}`
    case 'connection':
      return `connection ${caller.connection_id}`
    case 'session':
      return `session ${caller.digests.join(' ')}`
    default:
      return 'nobody'
  }
}

/**
 * The `Idempotency-Key` of a creation (draft-ietf-httpapi-idempotency-key-header §2.1): a quoted string, or bare as most
 * programs send it. Long enough that no two callers choose the same by chance.
 * @throws OAuthError idempotency_key_malformed
 */
export async function readRepeatable(
  c: Context<AppEnv>,
  caller: Caller | null,
  body: unknown,
): Promise<Repeatable | undefined> {
  const header = c.req.header('idempotency-key')?.trim()
  if (header === undefined) return undefined
  const [, quoted, bare] =
    /^(?:"([\x21\x23-\x5b\x5d-\x7e]{16,128})"|([\x21\x23-\x5b\x5d-\x7e]{16,128}))$/.exec(header) ?? []
  const key = quoted ?? bare
  if (key === undefined) throw refused('idempotency_key_malformed')
  return repeatable(`${c.req.method} ${c.req.path}\n${identityOf(caller)}\n${key}`, JSON.stringify(body))
}

async function repeatable(request: string, text: string): Promise<Repeatable> {
  const [key_digest, body_digest] = await Promise.all([sha256(request), sha256(text)])
  return {
    idempotency: { key_digest: toBytea(key_digest), body_digest: toBytea(body_digest) },
    request: `${request}\n${text}`,
  }
}

/**
 * The same for a form, which has its key in `once`: sent by a double click, or again when its answer is loaded anew, it makes one
 * thing. Filled in otherwise, by somebody who went back to it, it asks for another one.
 */
export async function repeatableForm(
  c: Context<AppEnv>,
  caller: Caller,
  { once, body }: { readonly once: string | undefined; readonly body: unknown },
): Promise<Repeatable | undefined> {
  if (once === undefined) return undefined
  const text = JSON.stringify(body)
  return repeatable(`${c.req.method} ${c.req.path}\n${identityOf(caller)}\n${once}\n${text}`, text)
}

/** Tells that nothing new was made. */
export function tellReplay(c: Context<AppEnv>, replayed: boolean | undefined): void {
  if (replayed === true) c.header('Idempotency-Replayed', 'true')
}
