import type { Context, MiddlewareHandler } from 'hono'
import type { AppEnv } from '../context.ts'
import { refused } from '../protocol/errors.ts'

/** The Workers rate-limit bindings of wrangler.jsonc; each may be absent, as under plain workerd. */
export type RateLimitName =
  | 'RATE_AUTHORIZE'
  | 'RATE_CODE_CHECK'
  | 'RATE_CONSENT'
  | 'RATE_TOKEN'
  | 'RATE_KEY_FAILURES'
  | 'RATE_REGISTER'
  | 'RATE_API'
  | 'RATE_DOCUMENTS'

type RateLimitBinding = { limit(options: { key: string }): Promise<{ success: boolean }> }

/** The bindings' window (wrangler.jsonc): after it the caller is let through again. */
const windowSeconds = 60

/**
 * A first sieve per address and location (SECURITY.md, Limits): what must hold everywhere is counted in the database.
 * @param purpose what is counted together; endpoints that share a binding do not share a count
 */
export function rateLimit(name: RateLimitName, purpose: string = name): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await countAgainst(c, name, purpose)
    await next()
  }
}

/** @throws OAuthError rate_limited when this address has used up its share */
export async function countAgainst(c: Context<AppEnv>, name: RateLimitName, purpose: string = name): Promise<void> {
  const binding = c.env[name]
  const { limitAddress } = c.var
  if (limitAddress === undefined || !isRateLimitBinding(binding)) return
  if (!(await isLetThrough(c, binding, `${purpose}:${limitAddress}`)))
    throw refused('rate_limited', undefined, { retryAfterSeconds: windowSeconds })
}

/** A sieve that fails lets through: what must hold is counted in the database, and nobody is turned away for trouble of ours. */
async function isLetThrough(c: Context<AppEnv>, binding: RateLimitBinding, key: string): Promise<boolean> {
  try {
    return (await binding.limit({ key })).success
  } catch (error) {
    c.set('cause', error)
    return true
  }
}

function isRateLimitBinding(binding: unknown): binding is RateLimitBinding {
  return typeof binding === 'object' && binding !== null && 'limit' in binding && typeof binding.limit === 'function'
}
