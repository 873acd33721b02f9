import * as z from 'zod/mini'
import { isPlainText } from './display-name.ts'
import { refused } from './errors.ts'
import { isLookAlike, isOwnName } from './known-programs.ts'
import { redirectKind } from './redirect-uri.ts'
import { grantTypes } from './server-capabilities.ts'

/** What both ways of self-description come to: the members of RFC 7591 §2 that this server acts on. */
export type ClientMetadata = {
  readonly client_name: string
  readonly redirect_uris: readonly string[]
  readonly grant_types: readonly string[]
  readonly application_type: 'native' | 'web'
  readonly client_uri?: string | undefined
  readonly jwks_uri?: string | undefined
  readonly jwks?: PublicKeySet | undefined
}

export type MetadataRules = {
  readonly privateUseSchemes: readonly string[]
  /** The development switch of a loopback issuer: keys may be fetched from there too (SECURITY §25). */
  readonly allowLoopback: boolean
}

/** Public keys only (RFC 7517 §5). */
export type PublicKeySet = { readonly keys: readonly Readonly<Record<string, unknown>>[] }

const redirectUriLimit = 10
const redirectUriSizeBytes = 512
const nameLimit = 100

/** Members of a private or symmetric key (RFC 7518 §6.2.2, §6.3.2, §6.4). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

const jsonObject = z.record(z.string(), z.unknown())
const strings = z.array(z.string())

export function invalidMetadata(problem: string): Error {
  return refused('client_metadata_invalid', problem)
}

/** @throws OAuthError invalid_client_metadata when the JSON is not an object */
export function readMetadataObject(json: unknown): ReadonlyMap<string, unknown> {
  const object = jsonObject.safeParse(json)
  if (!object.success) throw invalidMetadata('The metadata must be one JSON object')
  // A Map has no prototype to reach through `__proto__` or `constructor` (THREATS D13).
  return new Map(Object.entries(object.data).filter(([, value]) => value !== null && value !== ''))
}

export type Members = ReadonlyMap<string, unknown>

/** @throws OAuthError invalid_client_metadata */
export function readText(members: Members, name: string): string | undefined {
  const value = members.get(name)
  if (value === undefined || typeof value === 'string') return value
  throw invalidMetadata(`${name} must be a string`)
}

/** @throws OAuthError invalid_client_metadata */
export function readTexts(members: Members, name: string): readonly string[] | undefined {
  const value = members.get(name)
  if (value === undefined) return undefined
  const parsed = strings.safeParse(value)
  if (!parsed.success) throw invalidMetadata(`${name} must be an array of strings`)
  return [...new Set(parsed.data)]
}

/**
 * Keeps each acceptable URI, so that one of a scheme we do not know cannot spoil the rest (INTEROP 4.4: editors register a
 * private-use URI beside a loopback one).
 * @throws OAuthError invalid_redirect_uri when none is left
 */
function readRedirectUris(members: Members, privateUseSchemes: readonly string[]): readonly string[] {
  const uris = readTexts(members, 'redirect_uris') ?? []
  if (uris.length < 1 || uris.length > redirectUriLimit) throw refused('redirect_uris_invalid')
  const kept = uris.filter(
    (uri) => uri.length <= redirectUriSizeBytes && redirectKind(uri, privateUseSchemes) !== undefined,
  )
  if (kept.length === 0) throw refused('redirect_uris_invalid')
  return kept
}

/** Unknown grant types are left out, as long as the code flow is among them (INTEROP 4.5). */
function readGrantTypes(members: Members): readonly string[] {
  // RFC 7591 §2: absent means the code flow. A refresh token is what such clients then still expect.
  const asked = readTexts(members, 'grant_types') ?? ['authorization_code', 'refresh_token']
  const responses = readTexts(members, 'response_types') ?? ['code']
  if (!asked.includes('authorization_code') || !responses.includes('code')) {
    throw invalidMetadata('grant_types must have authorization_code, and response_types code')
  }
  return grantTypes.filter((supported) => asked.includes(supported))
}

function readClientName(members: Members, fallback: string | undefined): string {
  const name = (readText(members, 'client_name') ?? fallback)?.normalize('NFC').trim()
  if (name === undefined || name === '') throw invalidMetadata('client_name is missing')
  if ([...name].length > nameLimit || !isPlainText(name)) {
    throw invalidMetadata(`client_name must be at most ${nameLimit} characters, without control or format characters`)
  }
  // A name nobody vouches for may equal a known one, because real clients register so; the page says that it is not verified.
  if (isLookAlike(name) || isOwnName(name)) {
    throw invalidMetadata('client_name imitates the name of another application')
  }
  return name
}

/** Shown as text on the consent page, so it must be a plain https URL (THREATS B19). */
function readPublicUrl(members: Members, name: string): string | undefined {
  const value = readText(members, name)
  if (value === undefined) return undefined
  const isPlain =
    /^https:\/\/[^\s\\@\p{C}]+$/u.test(value) && value.length <= redirectUriSizeBytes && URL.canParse(value)
  if (!isPlain) throw invalidMetadata(`${name} must be an https URL`)
  return value
}

/**
 * As above. Of a page under development, which sends its own origin, nothing is kept: the link would lead everybody to
 * their own machine (RFC 7591 §2 lets a server leave a member out).
 */
function readLink(members: Members, name: string): string | undefined {
  return readLoopbackUrl(members, name) === undefined ? readPublicUrl(members, name) : undefined
}

/** As above; what is http must be on loopback. */
function readDevelopmentUrl(members: Members, name: string): string | undefined {
  return readLoopbackUrl(members, name) ?? readPublicUrl(members, name)
}

function readLoopbackUrl(members: Members, name: string): string | undefined {
  const value = readText(members, name)
  return value !== undefined && redirectKind(value, []) === 'loopback' ? value : undefined
}

function readKeys(members: Members): PublicKeySet | undefined {
  const value = members.get('jwks')
  if (value === undefined) return undefined
  return readKeySet(value, 'jwks')
}

/**
 * Reads a key set of a client's, wherever it stands (RFC 7517 §5).
 * @throws OAuthError invalid_client_metadata that names `where`
 */
export function readKeySet(value: unknown, where: string): PublicKeySet {
  const parsed = keySet.safeParse(value)
  if (!parsed.success) throw invalidMetadata(`${where} must be a JSON Web Key Set`)
  if (parsed.data.keys.some((key) => secretMembers.some((member) => Object.hasOwn(key, member)))) {
    throw invalidMetadata(`${where} must hold public keys only: replace this key, its private part is known now`)
  }
  return parsed.data
}

export const keySet = z.object({ keys: z.array(jsonObject).check(z.minLength(1), z.maxLength(20)) })

/** OpenID Connect Registration §2 takes an absent member for `web`; most MCP clients that leave it out are native. */
function applicationType(redirect_uris: readonly string[]): 'native' | 'web' {
  return redirect_uris.every((uri) => uri.startsWith('https://')) ? 'web' : 'native'
}

/**
 * Reads what a client says of itself (RFC 7591 §2); other members are ignored, `scope` among them: it does not cap what
 * is asked for later.
 * @throws OAuthError invalid_client_metadata, invalid_redirect_uri
 */
export function readClientMetadata(
  members: Members,
  { privateUseSchemes, allowLoopback, fallbackName }: MetadataRules & { readonly fallbackName?: string },
): ClientMetadata {
  const redirect_uris = readRedirectUris(members, privateUseSchemes)
  for (const name of ['tos_uri', 'policy_uri', 'logo_uri']) readLink(members, name)
  const jwks = readKeys(members)
  const jwks_uri = allowLoopback ? readDevelopmentUrl(members, 'jwks_uri') : readPublicUrl(members, 'jwks_uri')
  if (jwks !== undefined && jwks_uri !== undefined) throw invalidMetadata('jwks and jwks_uri exclude each other')
  return {
    client_name: readClientName(members, fallbackName),
    redirect_uris,
    grant_types: readGrantTypes(members),
    application_type: applicationType(redirect_uris),
    client_uri: readLink(members, 'client_uri'),
    jwks_uri,
    jwks,
  }
}
