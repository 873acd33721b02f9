import { type DerivedType, deriveToCompare, deriveToStore } from './derive.ts'
import { type Digest, deriveKey, hmac, isEqualSecret, type KeyedSecret, type KeyRing } from './digest.ts'
import { randomBase62 } from './random.ts'

// `sk_` or `smt_`, 12 characters of public part, 43 of secret, 6 of checksum; all base62, so that they survive Basic
// authentication unescaped, and with fixed prefixes, so that secret scanners find leaks (SECURITY §2).

export type NewApiKey = {
  readonly key_id: string
  /** The secret the owner keeps: shown once. */
  readonly key_secret: string
  readonly last_four: string
  readonly digest: Digest
  readonly kid: string
}
export type NewManagementToken = {
  readonly management_token: string
  readonly public_part: string
  readonly digest: Digest
  readonly kid: string
}
export type PresentedApiKey = { readonly key_id: string; readonly digests: Digest[] }
export type PresentedManagementToken = { readonly public_part: string; readonly digests: Digest[] }

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const prefixes = { api_key: 'sk_', management_token: 'smt_' } as const
type FormattedType = Exclude<DerivedType, 'client_secret'>

const checksumKeys = new WeakMap<KeyedSecret, Promise<Uint8Array<ArrayBuffer>>>()

function checksumKey(pepper: KeyedSecret): Promise<Uint8Array<ArrayBuffer>> {
  const known = checksumKeys.get(pepper)
  if (known !== undefined) return known
  const key = deriveKey(pepper.key, 'checksum')
  checksumKeys.set(pepper, key)
  return key
}

async function checksum(pepper: KeyedSecret, body: string): Promise<string> {
  const mac = await hmac(await checksumKey(pepper), body)
  return Array.from(mac.slice(0, 6), (byte) => base62.charAt(byte % 62)).join('')
}

async function mint(peppers: KeyRing, type: FormattedType) {
  const public_part = randomBase62(12)
  const secret = randomBase62(43)
  const body = `${prefixes[type]}${public_part}${secret}`
  const value = `${body}${await checksum(peppers[0], body)}`
  return { value, public_part, ...(await deriveToStore(peppers, { type, public_part, secret })) }
}

async function read(peppers: KeyRing, type: FormattedType, presented: string) {
  const prefix = prefixes[type]
  const rest = presented.slice(prefix.length)
  if (!presented.startsWith(prefix) || !/^[0-9A-Za-z]{61}$/.test(rest)) return undefined
  const body = presented.slice(0, -6)
  const sums = await Promise.all(peppers.map((pepper) => checksum(pepper, body)))
  // Invented keys end here, for the price of an HMAC: a derivation costs thirteen milliseconds.
  if (!sums.some((sum) => isEqualSecret(sum, presented.slice(-6)))) return undefined
  const public_part = rest.slice(0, 12)
  const secret = rest.slice(12, 55)
  return { public_part, digests: await deriveToCompare(peppers, { type, public_part, secret }) }
}

/** A new API key: what the owner gets once, and what is stored. */
export async function mintApiKey(peppers: KeyRing): Promise<NewApiKey> {
  const { value, public_part, digest, kid } = await mint(peppers, 'api_key')
  return { key_id: `key_${public_part}`, key_secret: value, last_four: value.slice(-4), digest, kid }
}

/** A new management token: what the registrant gets once, and what is stored. */
export async function mintManagementToken(peppers: KeyRing): Promise<NewManagementToken> {
  const { value, public_part, digest, kid } = await mint(peppers, 'management_token')
  return { management_token: value, public_part, digest, kid }
}

/** What the database compares; undefined when the string was never minted here. */
export async function readApiKey(peppers: KeyRing, presented: string): Promise<PresentedApiKey | undefined> {
  const key = await read(peppers, 'api_key', presented)
  return key && { key_id: `key_${key.public_part}`, digests: key.digests }
}

/** What the database compares; undefined when the string was never minted here. */
export function readManagementToken(
  peppers: KeyRing,
  presented: string,
): Promise<PresentedManagementToken | undefined> {
  return read(peppers, 'management_token', presented)
}
