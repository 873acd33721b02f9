import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { hmac, isEqualSecret, type KeyedSecret } from '../crypto/digest.ts'
import { toBase64Url } from '../crypto/encoding.ts'
import { newSecret } from '../crypto/random.ts'
import { type RelyingParty, relyingPartyOf, requestOptions } from '../identity/passkey.ts'
import type { Ceremony } from '../pages/passkey.tsx'
import { readCookie, writeCookie } from './cookies.ts'
import type { Viewer } from './transaction-pages.tsx'

/** Where passkeys are made and used; undefined where there can be none. */
export function relyingParty(c: Context<AppEnv>): RelyingParty | undefined {
  const { issuer, serviceName } = c.var.config
  return relyingPartyOf(issuer, serviceName)
}

/** Which of its challenges: the next one is another, so an answer counts once (WebAuthn Level 3 §13.4.3). */
export type Round = { readonly browser: string; readonly transaction: string; readonly round: number }

async function challengeUnder({ key }: KeyedSecret, { browser, transaction, round }: Round): Promise<string> {
  return toBase64Url(await hmac(key, ['passkey', browser, transaction, round].join('\0')))
}

/** Whether a passkey has answered this challenge, which nobody without our keys could have asked. */
export async function isPasskeyChallenge(c: Context<AppEnv>, round: Round, presented: string): Promise<boolean> {
  const expected = await Promise.all(c.var.config.cookieKeys.map((key) => challengeUnder(key, round)))
  return expected.some((one) => isEqualSecret(one, presented))
}

type Asked = { readonly transaction_id: string; readonly passkey_round: number }

/** What the sign-in page asks of passkeys: bound to this browser and transaction, and kept nowhere. */
export async function signInCeremony(
  c: Context<AppEnv>,
  viewer: Viewer,
  { transaction_id, passkey_round }: Asked,
): Promise<Ceremony | undefined> {
  const party = relyingParty(c)
  if (party === undefined) return undefined
  const [newest] = c.var.config.cookieKeys
  const round = { browser: viewer.browser, transaction: transaction_id, round: passkey_round }
  return { nonce: newSecret(), options: requestOptions(party, await challengeUnder(newest, round)) }
}

/** Whether somebody has made or used a passkey in this browser: then it is offered first. */
export function hasUsedPasskey(c: Context<AppEnv>): boolean {
  return readCookie(c, 'passkey') !== undefined
}

export function rememberPasskeyUse(c: Context<AppEnv>): void {
  writeCookie(c, 'passkey', 'used', c.var.config.lifetimes.device_seconds)
}
