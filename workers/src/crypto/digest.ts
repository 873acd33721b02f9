import { toBytea, utf8 } from './encoding.ts'

/** One entry of TOKEN_PEPPERS or COOKIE_KEYS. */
export type KeyedSecret = { readonly kid: string; readonly key: Uint8Array<ArrayBuffer> }

/** Newest first, one or two: the first writes, each reads. */
export type KeyRing = readonly [KeyedSecret, ...KeyedSecret[]]

/** 32 bytes in PostgreSQL's `\x…` form. */
export type Digest = string

/** A digest to be stored, and the pepper it was made under. */
export type StoredDigest = { readonly digest: Digest; readonly kid: string }

/** The type is part of the digest, so that a session can never be found as a code. */
export type DigestType = 'code' | 'refresh' | 'browser' | 'session' | 'email_code' | 'passkey_challenge'

const importedKeys = new WeakMap<Uint8Array, Promise<CryptoKey>>()

function hmacKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const known = importedKeys.get(key)
  if (known !== undefined) return known
  const imported = crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  importedKeys.set(key, imported)
  return imported
}

/** HMAC-SHA-256, 32 bytes (RFC 2104). */
export async function hmac(key: Uint8Array<ArrayBuffer>, message: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', await hmacKey(key), utf8(message)))
}

export async function sha256(message: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(message)))
}

async function digestUnder(pepper: KeyedSecret, type: DigestType, value: string): Promise<Digest> {
  return toBytea(await hmac(pepper.key, `${type}\0${value}`))
}

/** The digest to store: under the newest pepper (SECURITY §3). */
export async function digestToStore(peppers: KeyRing, type: DigestType, value: string): Promise<StoredDigest> {
  const [newest] = peppers
  return { digest: await digestUnder(newest, type, value), kid: newest.kid }
}

/** The digests a stored one may equal: one for each pepper, newest first. */
export function digestsToCompare(peppers: KeyRing, type: DigestType, value: string): Promise<Digest[]> {
  return Promise.all(peppers.map((pepper) => digestUnder(pepper, type, value)))
}

/** What an e-mail code is digested as: the code alone could be found by trying a hundred million (SECURITY §15). */
export function emailCodeValue(transactionId: string, code: string): string {
  return `${transactionId}.${code}`
}

/** Compares without telling by time where two strings differ (SECURITY §4); their length is not a secret. */
export function isEqualSecret(left: string, right: string): boolean {
  const a = utf8(left)
  const b = utf8(right)
  let difference = a.length ^ b.length
  for (let index = 0; index < a.length; index++) difference |= (a[index] ?? 0) ^ (b[index] ?? 0)
  return difference === 0
}

/** HKDF-SHA-256 (RFC 5869) without salt, 32 bytes: one purpose of a key that serves several. */
export async function deriveKey(key: Uint8Array<ArrayBuffer>, purpose: string): Promise<Uint8Array<ArrayBuffer>> {
  const material = await crypto.subtle.importKey('raw', key, 'HKDF', false, ['deriveBits'])
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8(purpose) }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 256))
}
