import { type Digest, hmac, type KeyedSecret, type KeyRing, type StoredDigest, sha256 } from './digest.ts'
import { toBytea } from './encoding.ts'
import { createLru } from './lru.ts'

/** Secrets that people keep in configuration files. */
export type DerivedType = 'api_key' | 'management_token' | 'personal_token' | 'client_secret'

/** A secret and the public part that stands beside it in the same string. */
export type PresentedSecret = {
  readonly type: DerivedType
  readonly public_part: string
  readonly secret: string
  /** Where the string ends with one: part of what is remembered, so that only the whole string is recalled. */
  readonly checksum?: string
}

/** Cloudflare's Workers refuse more, though the local workerd does not: hence the cap in code (SECURITY §3). */
export const pbkdf2RoundsCap = 100_000

/** How many derivations an isolate remembers. */
export const rememberedDerivationsCap = 1_000

const remembered = createLru<Digest>({ maximumEntries: rememberedDerivationsCap })

/**
 * PBKDF2-SHA-256, 32 bytes (RFC 8018 §5.2).
 * @throws RangeError when rounds are above what Workers allow
 */
export async function pbkdf2(
  password: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  rounds: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (rounds > pbkdf2RoundsCap) throw new RangeError(`PBKDF2 with more than ${pbkdf2RoundsCap} rounds fails on Workers`)
  const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits'])
  const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: rounds }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256))
}

/** Keyed by an HMAC and not by the secret, so that a heap dump of the isolate holds no secret. */
async function nameOf(pepper: KeyedSecret, presented: PresentedSecret): Promise<string> {
  const { type, public_part, secret, checksum = '' } = presented
  return `${pepper.kid}.${toBytea(await hmac(pepper.key, `memo\0${type}\0${public_part}\0${secret}\0${checksum}`))}`
}

async function deriveUnder(pepper: KeyedSecret, presented: PresentedSecret): Promise<Digest> {
  const { type, public_part, secret } = presented
  const name = await nameOf(pepper, presented)
  const known = remembered.get(name)
  if (known !== undefined) return known
  const password = await hmac(pepper.key, `${type}\0${secret}`)
  const salt = (await sha256(`${type}\0${public_part}`)).slice(0, 16)
  const digest = toBytea(await pbkdf2(password, salt, pbkdf2RoundsCap))
  remembered.set(name, digest)
  return digest
}

/** The derivation to store: under the newest pepper. */
export async function deriveToStore(peppers: KeyRing, presented: PresentedSecret): Promise<StoredDigest> {
  const [newest] = peppers
  return { digest: await deriveUnder(newest, presented), kid: newest.kid }
}

/** The derivations a stored one may equal: one for each pepper, newest first. */
export function deriveToCompare(peppers: KeyRing, presented: PresentedSecret): Promise<Digest[]> {
  return Promise.all(peppers.map((pepper) => deriveUnder(pepper, presented)))
}

/** What `deriveToCompare` gave before, for the price of an HMAC; undefined where it is no longer remembered. */
export async function recallDerivations(peppers: KeyRing, presented: PresentedSecret): Promise<Digest[] | undefined> {
  const names = await Promise.all(peppers.map((pepper) => nameOf(pepper, presented)))
  const known = names.map((name) => remembered.get(name)).filter((digest) => digest !== undefined)
  return known.length === peppers.length ? known : undefined
}
