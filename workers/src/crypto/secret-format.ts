import { type DerivedType, deriveToCompare, deriveToStore, recallDerivations } from './derive.ts'
import { type Digest, deriveKey, hmac, isEqualSecret, type KeyedSecret, type KeyRing } from './digest.ts'
import { randomBase62 } from './random.ts'

// `sk_`, `smt_` or `pat_`, 12 characters of public part, 43 of secret, 6 of checksum; all base62, so that they survive Basic
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
export type NewPersonalToken = {
  readonly token_id: string
  /** The secret the owner keeps: shown once. */
  readonly personal_token: string
  readonly last_four: string
  readonly digest: Digest
  readonly kid: string
}
export type PresentedPersonalToken = { readonly token_id: string; readonly digests: Digest[] }
export type PresentedApiKey = { readonly key_id: string; readonly digests: Digest[] }
export type PresentedManagementToken = { readonly public_part: string; readonly digests: Digest[] }

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const prefixes = { api_key: 'sk_', management_token: 'smt_', personal_token: 'pat_' } as const
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

/** What a secret is made of: random, or drawn again from a request that may be repeated. */
type Parts = { readonly public_part: string; readonly secret: string }

function randomParts(): Parts {
  return { public_part: randomBase62(12), secret: randomBase62(43) }
}

const repeatableKeys = new WeakMap<KeyedSecret, Promise<Uint8Array<ArrayBuffer>>>()

/**
 * The same parts for the same request, known to nobody without the pepper: a repeated creation tells the same secret again
 * although none is kept (draft-ietf-httpapi-idempotency-key-header §2.6).
 */
async function repeatableParts(pepper: KeyedSecret, request: string): Promise<Parts> {
  const key = repeatableKeys.get(pepper) ?? deriveKey(pepper.key, 'repeatable secret')
  repeatableKeys.set(pepper, key)
  let characters = ''
  for (let block = 0; characters.length < 55; block += 1) {
    // 248 is the largest multiple of 62 below 256: bytes above it would favour the first characters.
    const bytes = [...(await hmac(await key, `${block}\0${request}`))].filter((byte) => byte < 248)
    characters += bytes.map((byte) => base62.charAt(byte % 62)).join('')
  }
  return { public_part: characters.slice(0, 12), secret: characters.slice(12, 55) }
}

async function mint(peppers: KeyRing, type: FormattedType, { public_part, secret }: Parts) {
  const body = `${prefixes[type]}${public_part}${secret}`
  const sum = await checksum(peppers[0], body)
  const stored = await deriveToStore(peppers, { type, public_part, secret, checksum: sum })
  return { value: `${body}${sum}`, public_part, ...stored }
}

async function read(peppers: KeyRing, type: FormattedType, presented: string) {
  const prefix = prefixes[type]
  const rest = presented.slice(prefix.length)
  if (!presented.startsWith(prefix) || !/^[0-9A-Za-z]{61}$/.test(rest)) return undefined
  const public_part = rest.slice(0, 12)
  const whole = { type, public_part, secret: rest.slice(12, 55), checksum: rest.slice(55) }
  const known = await recallDerivations(peppers, whole)
  if (known !== undefined) return { public_part, digests: known }
  const body = presented.slice(0, -6)
  const sums = await Promise.all(peppers.map((pepper) => checksum(pepper, body)))
  // Invented keys end here, for the price of an HMAC: a derivation costs thirteen milliseconds.
  if (!sums.some((sum) => isEqualSecret(sum, whole.checksum))) return undefined
  return { public_part, digests: await deriveToCompare(peppers, whole) }
}

function partsFor(peppers: KeyRing, request: string | undefined): Parts | Promise<Parts> {
  return request === undefined ? randomParts() : repeatableParts(peppers[0], request)
}

/** A new API key: what the owner gets once, and what is stored. With `request` it is the same one for the same request. */
export async function mintApiKey(peppers: KeyRing, request?: string): Promise<NewApiKey> {
  const { value, public_part, digest, kid } = await mint(peppers, 'api_key', await partsFor(peppers, request))
  return { key_id: `key_${public_part}`, key_secret: value, last_four: value.slice(-4), digest, kid }
}

/** A new management token: what the registrant gets once, and what is stored. */
export async function mintManagementToken(peppers: KeyRing): Promise<NewManagementToken> {
  const { value, public_part, digest, kid } = await mint(peppers, 'management_token', randomParts())
  return { management_token: value, public_part, digest, kid }
}

/** A new personal token: what the owner gets once, and what is stored. With `request` it is the same one for the same request. */
export async function mintPersonalToken(peppers: KeyRing, request?: string): Promise<NewPersonalToken> {
  const { value, public_part, digest, kid } = await mint(peppers, 'personal_token', await partsFor(peppers, request))
  return { token_id: `tok_${public_part}`, personal_token: value, last_four: value.slice(-4), digest, kid }
}

/** What the database compares; undefined when the string was never minted here. */
export async function readPersonalToken(
  peppers: KeyRing,
  presented: string,
): Promise<PresentedPersonalToken | undefined> {
  const token = await read(peppers, 'personal_token', presented)
  return token && { token_id: `tok_${token.public_part}`, digests: token.digests }
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
