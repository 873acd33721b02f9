import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { hmac, isEqualSecret, type KeyedSecret } from '../crypto/digest.ts'
import { toBase64Url } from '../crypto/encoding.ts'
import { newTransactionId } from '../crypto/random.ts'
import type { Leg } from '../identity/provider.ts'

/** To which provider, and in which browser. */
type Ends = { readonly provider: string; readonly browser: string }
/** One way there: for which transaction, and which try. */
type Way = Ends & { readonly transaction: string; readonly salt: string }

async function derived({ key }: KeyedSecret, purpose: string, way: Way): Promise<string> {
  return toBase64Url(
    await hmac(key, ['provider', purpose, way.provider, way.browser, way.transaction, way.salt].join('\0')),
  )
}

function redirectUri(c: Context<AppEnv>, provider: string): string {
  return `${c.var.config.issuer}/sign-in/callback/${provider}`
}

async function legUnder(c: Context<AppEnv>, key: KeyedSecret, way: Way): Promise<Leg> {
  const [mac, nonce, code_verifier] = await Promise.all([
    derived(key, 'state', way),
    derived(key, 'nonce', way),
    derived(key, 'verifier', way),
  ])
  return {
    redirect_uri: redirectUri(c, way.provider),
    state: `${way.transaction}.${way.salt}.${mac}`,
    nonce,
    code_verifier,
  }
}

/**
 * State, nonce and PKCE verifier of one way to a provider (RFC 9700 §4.7.1, §2.1.1): derived from the browser's cookie and the
 * transaction, so that nothing has to be kept and another browser cannot finish what this one began (B5).
 */
export function newLeg(c: Context<AppEnv>, way: Ends & { readonly transaction: string }): Promise<Leg> {
  const [newest] = c.var.config.cookieKeys
  return legUnder(c, newest, { ...way, salt: newTransactionId() })
}

/** What belongs to a state that came back; undefined when this browser did not send it to this provider. */
export async function readLeg(
  c: Context<AppEnv>,
  ends: Ends,
  state: string,
): Promise<(Leg & { readonly transaction: string }) | undefined> {
  const [, transaction, salt] = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})\.[A-Za-z0-9_-]{43}$/.exec(state) ?? []
  if (transaction === undefined || salt === undefined) return undefined
  for (const key of c.var.config.cookieKeys) {
    const leg = await legUnder(c, key, { ...ends, transaction, salt })
    if (isEqualSecret(leg.state, state)) return { ...leg, transaction }
  }
  return undefined
}
