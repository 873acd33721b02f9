import * as z from 'zod/mini'
import type { KeyedSecret, KeyRing } from './crypto/digest.ts'
import { fromBase64Url } from './crypto/encoding.ts'
import type { SealKeys } from './crypto/seal.ts'
import type { PrivateJwk } from './crypto/signing-keys.ts'

/** What is wrong with a value, said without the value; undefined where nothing is. */
export type Reading<Value> = { readonly value: Value } | { readonly problem: string }

const keySizeBytes = 32

/** Thirty-two random bytes never have fewer different ones in practice; a typed or repeated secret does. */
const distinctBytes = 16

function readKey(entry: string): KeyedSecret | undefined {
  const [, kid, encoded] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9_-]+)$/.exec(entry.trim()) ?? []
  const key = fromBase64Url(encoded ?? '')
  if (kid === undefined || key === undefined || key.length !== keySizeBytes) return undefined
  return { kid, key }
}

/** `kid:base64url(32 bytes)`, comma-separated, newest first, at most two. */
export function readKeyRing(text: string): Reading<KeyRing> {
  const keys = text.split(',').map(readKey)
  const [newest, older] = keys
  if (keys.some((key) => key === undefined) || newest === undefined || keys.length > 2) {
    return { problem: 'must be one or two kid:key pairs, newest first; a key is 32 random bytes in base64url' }
  }
  const ring: KeyRing = older === undefined ? [newest] : [newest, older]
  if (ring.some(({ key }) => new Set(key).size < distinctBytes)) return { problem: 'has an example or typed key' }
  if (older === undefined) return { value: ring }
  if (newest.kid === older.kid) return { problem: 'has two keys with one kid' }
  if (isSameKey(newest, older)) return { problem: 'has the same key twice' }
  return { value: ring }
}

/** The same form, any number: a key that sealed an id is needed for as long as the id is used (SECURITY §5). */
export function readSealKeys(text: string): Reading<SealKeys> {
  const entries = text.split(',').map(readKey)
  const keys = entries.filter((key) => key !== undefined)
  const [newest, ...older] = keys
  if (newest === undefined || keys.length !== entries.length) {
    return { problem: 'must be kid:key pairs, newest first; a key is 32 random bytes in base64url' }
  }
  if (keys.some(({ key }) => new Set(key).size < distinctBytes)) return { problem: 'has an example or typed key' }
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) return { problem: 'has two keys with one kid' }
  const isRepeated = keys.some((key, place) => keys.slice(place + 1).some((other) => isSameKey(key, other)))
  return isRepeated ? { problem: 'has the same key twice' } : { value: [newest, ...older] }
}

export function readSwitch(text: string): Reading<boolean> {
  const value = text.trim()
  return value === 'on' || value === 'off' ? { value: value === 'on' } : { problem: 'must be on or off' }
}

function isHttpsOrigin(text: string): boolean {
  return text.startsWith('https://') && URL.canParse(text) && new URL(text).origin === text
}

/** Rows `https://document.example>https://redirect.example`, comma-separated (SECURITY §25). */
export function readRedirectExceptions(text: string): Reading<ReadonlyMap<string, readonly string[]>> {
  const rows = text.trim() === 'none' ? [] : text.split(',').map((row) => row.trim().split('>'))
  const exceptions = new Map<string, readonly string[]>()
  for (const [from = '', to = '', more] of rows) {
    if (more !== undefined || !isHttpsOrigin(from) || !isHttpsOrigin(to)) {
      return { problem: 'must be rows of two https origins with > between them, or none' }
    }
    exceptions.set(from, [...(exceptions.get(from) ?? []), to])
  }
  return { value: exceptions }
}

export function isSameKey(left: KeyedSecret, right: KeyedSecret): boolean {
  return left.key.every((byte, place) => byte === right.key[place])
}

const coordinate = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/))
const privateJwk = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: coordinate,
  y: coordinate,
  d: coordinate,
  kid: z.string().check(z.regex(/^[A-Za-z0-9_.-]{1,64}$/)),
  alg: z.literal('ES256'),
  status: z.optional(z.literal('next')),
})

// Private keys printed in RFC 7515 A.3 and RFC 7517 A.2.
const publishedPrivateKeys = [
  'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
  '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE',
]

/** A JSON array of private EC P-256 JWKs, newest first. */
export function readSigningKeys(text: string): Reading<readonly PrivateJwk[]> {
  const parsed = z.array(privateJwk).safeParse(readJson(text))
  if (!parsed.success) return { problem: 'must be a JSON array of private EC P-256 keys with kid and alg ES256' }
  const keys = parsed.data
  if (!keys.some(({ status }) => status === undefined)) return { problem: 'has no key in use' }
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) return { problem: 'has two keys with one kid' }
  if (new Set(keys.map(({ d }) => d)).size !== keys.length) return { problem: 'has the same key twice' }
  if (keys.some(({ d }) => publishedPrivateKeys.includes(d))) return { problem: 'has an example key' }
  return { value: keys }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A JSON object that overrides some of the numbers. */
export function readNumbers<Name extends string>(
  text: string,
  defaults: Readonly<Record<Name, number>>,
): Reading<Readonly<Record<Name, number>>> {
  const numbers = z.record(z.string(), z.int().check(z.positive())).safeParse(readJson(text))
  if (!numbers.success) return { problem: 'must be a JSON object of positive whole numbers' }
  const unknown = Object.keys(numbers.data).filter((name) => !Object.hasOwn(defaults, name))
  if (unknown.length > 0) return { problem: `has an unknown member: ${unknown.join(', ')}` }
  return { value: { ...defaults, ...numbers.data } }
}

/** An absolute URL without user info, query or fragment; http only on loopback. */
export function readUrl(text: string): Reading<URL> {
  if (!URL.canParse(text)) return { problem: 'must be an absolute URL' }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return { problem: 'must have no user name, query or fragment' }
  }
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
  return isSafe ? { value: url } : { problem: 'must be https, unless its host is localhost, 127.0.0.1 or [::1]' }
}

export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '127.0.0.1' || url.hostname === '[::1]'
}

/** The issuer is one canonical string: an origin without trailing slash (RFC 8414 §2, compared character by character). */
export function readIssuer(text: string): Reading<URL> {
  const url = readUrl(text)
  if ('problem' in url) return url
  return url.value.origin === text
    ? url
    : { problem: 'must be an origin in lower case, without path or trailing slash' }
}

/** A service key of Supabase; the claims of a JWT tell when it is the wrong one. */
export function readDatabaseKey(text: string, isLocal: boolean): Reading<string> {
  if (text.length < 32) return { problem: 'is too short to be a key' }
  if (text.startsWith('sb_publishable_')) return { problem: 'is a publishable key; the Worker needs a secret one' }
  const claims = readClaims(text)
  if (claims?.role === 'anon' || claims?.role === 'authenticated') return { problem: 'is a key for browsers' }
  // Supabase's local stack signs with a secret that everybody knows.
  if (claims?.iss === 'supabase-demo' && !isLocal) return { problem: 'is the example key of the local stack' }
  return { value: text }
}

const keyClaims = z.object({ role: z.optional(z.string()), iss: z.optional(z.string()) })

function readClaims(jwt: string): z.infer<typeof keyClaims> | undefined {
  const bytes = fromBase64Url(jwt.split('.')[1] ?? '')
  if (bytes === undefined) return undefined
  const claims = keyClaims.safeParse(readJson(new TextDecoder().decode(bytes)))
  return claims.success ? claims.data : undefined
}

const neverPrivateUse = [
  'http',
  'https',
  'javascript',
  'data',
  'vbscript',
  'file',
  'blob',
  'about',
  'ws',
  'wss',
  'ftp',
  'mailto',
]

/** A comma-separated list of URI schemes (RFC 8252 §7.1). */
export function readSchemes(text: string): Reading<readonly string[]> {
  const schemes = text.split(',').map((scheme) => scheme.trim())
  if (text.trim() === '') return { value: [] }
  if (!schemes.every((scheme) => /^[a-z][a-z0-9+.-]*$/.test(scheme)))
    return { problem: 'must be schemes in lower case' }
  const refused = schemes.filter((scheme) => neverPrivateUse.includes(scheme))
  return refused.length === 0 ? { value: schemes } : { problem: `must not have ${refused.join(', ')}` }
}
