import * as z from 'zod/mini'
import { parseDisplayName } from './display-name.ts'
import { refused } from './errors.ts'
import { label, plainText, readBody, seconds } from './management-body.ts'
import type { IssuerFacts } from './resource.ts'
import { identityScopes } from './scope.ts'
import { parseServerUrl } from './server-url.ts'

/** One entry of a server's scope catalogue. */
export type RegisteredScope = {
  readonly name: string
  readonly description: string
  /** It cannot be unticked on the consent page. */
  readonly required: boolean
  /** It is meant when a client names no scope. */
  readonly default: boolean
}

const scopesCap = 64

/** With the identity scopes a client's request for the whole catalogue still fits into a scope parameter. */
const scopeNamesCap = 980

const reservedScopes: readonly string[] = [...identityScopes, '*']

function displayName(what: string) {
  const problem = `${what} must be 1 to 100 plain characters, and not the name of a well-known application`
  return z.pipe(
    z
      .string(`${what} must be a string`)
      .check(z.refine((value) => parseDisplayName(value, 100) !== undefined, problem)),
    z.transform((value) => parseDisplayName(value, 100) ?? value),
  )
}

const scopeName = z
  .string('a scope name must be a string')
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9:._/-]{0,63}$/, 'a scope name has 1 to 64 of A-Z a-z 0-9 : . _ / -'))
  .check(z.refine((name) => !reservedScopes.includes(name), 'this scope name is reserved'))

const scopeObject = z.strictObject({
  name: scopeName,
  description: z.optional(plainText(120, 'the description of a scope')),
  required: z.optional(z.boolean('required must be true or false')),
  default: z.optional(z.boolean('default must be true or false')),
})

const scopes = z.pipe(
  z
    .array(z.union([scopeName, scopeObject]), 'scopes must be an array of names or objects')
    .check(z.minLength(1, 'scopes must have at least one scope'))
    .check(z.maxLength(scopesCap, `scopes may have ${scopesCap} entries`))
    .check(z.refine((entries) => new Set(entries.map(nameOf)).size === entries.length, 'scopes has a name twice'))
    .check(z.refine((entries) => entries.map(nameOf).join(' ').length <= scopeNamesCap, 'scopes has too long names')),
  z.transform((entries) => entries.map(toRegisteredScope)),
)

type ScopeEntry = string | z.infer<typeof scopeObject>

function nameOf(entry: ScopeEntry): string {
  return typeof entry === 'string' ? entry : entry.name
}

function toRegisteredScope(entry: ScopeEntry): RegisteredScope {
  // A scope registered by plain name is default and not required.
  if (typeof entry === 'string') return { name: entry, description: '', required: false, default: true }
  const required = entry.required ?? false
  return { name: entry.name, description: entry.description ?? '', required, default: entry.default ?? true }
}

const logoUrl = z
  .string('logo_url must be a string')
  .check(z.refine(isLogoUrl, 'logo_url must be an https URL of at most 2048 characters'))

function isLogoUrl(value: string): boolean {
  return value.length <= 2_048 && /^https:\/\/[\x21-\x7e]+$/.test(value) && URL.canParse(value)
}

const lifetime = seconds('token_lifetime_seconds', 300, 3_600)

/** What an owner asks of the sign-in before a consent (THREATS B33). */
const signInMembers = {
  requires_passkey: z.optional(z.boolean('requires_passkey must be true or false')),
}
const signInMaxAge = seconds('sign_in_max_age_seconds', 60, 604_800)

export const serverRegistration = z.strictObject({
  server_url: z.string('server_url must be a string'),
  server_name: displayName('server_name'),
  scopes,
  description: z.optional(plainText(300, 'description')),
  logo_url: z.optional(logoUrl),
  user_id: z.optional(plainText(100, 'user_id')),
  token_lifetime_seconds: z.optional(lifetime),
  share_email: z.optional(z.boolean('share_email must be true or false')),
  ...signInMembers,
  sign_in_max_age_seconds: z.optional(signInMaxAge),
})

export const serverChanges = z.strictObject({
  server_name: z.optional(displayName('server_name')),
  scopes: z.optional(scopes),
  description: z.optional(z.nullable(plainText(300, 'description'))),
  logo_url: z.optional(z.nullable(logoUrl)),
  token_lifetime_seconds: z.optional(z.nullable(lifetime)),
  share_email: z.optional(z.boolean('share_email must be true or false')),
  ...signInMembers,
  sign_in_max_age_seconds: z.optional(z.nullable(signInMaxAge)),
  client_policy: z.optional(
    z.enum(
      ['any', 'not_dynamic', 'pre_registered', 'listed'],
      'client_policy must be any, not_dynamic, pre_registered or listed',
    ),
  ),
})

const hourSeconds = 3_600
const yearSeconds = 31_536_000

export const keyRequest = z.strictObject({
  name: label,
  expires_in: z.optional(seconds('expires_in', hourSeconds, yearSeconds)),
})

export type ServerRegistration = Omit<z.infer<typeof serverRegistration>, 'share_email'> & {
  readonly share_email: boolean
}
export type ServerChanges = z.infer<typeof serverChanges>
export type KeyRequest = z.infer<typeof keyRequest>

/**
 * Reads the body of POST /api/servers.
 * @throws OAuthError invalid_request that names the member
 */
export function parseServerRegistration(body: unknown, issuer: IssuerFacts): ServerRegistration {
  const { share_email = true, ...rest } = readBody(serverRegistration, body)
  return { ...rest, server_url: parseServerUrl(rest.server_url, issuer), share_email }
}

/**
 * Reads the body of PATCH /api/servers/:id; null removes a description, logo or lifetime.
 * @throws OAuthError invalid_request that names the member
 */
export function parseServerChanges(body: unknown): ServerChanges {
  const changed = readBody(serverChanges, body)
  if (Object.keys(changed).length === 0) throw refused('member_missing', 'The body changes nothing')
  return changed
}

/**
 * Reads the body of POST /api/servers/:id/keys.
 * @throws OAuthError invalid_request that names the member
 */
export function parseKeyRequest(body: unknown): KeyRequest {
  const request = readBody(keyRequest, body)
  return { ...request, name: request.name.trim() }
}
