import * as z from 'zod/mini'
import { isPlainText, parseDisplayName } from './display-name.ts'
import { type OAuthError, refused } from './errors.ts'
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

function text(maximum: number, what: string) {
  return z
    .string(`${what} must be a string`)
    .check(z.refine((value) => value.length <= maximum, `${what} may have ${maximum} characters`))
    .check(z.refine(isPlainText, `${what} must not have control or invisible characters`))
}

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
  description: z.optional(text(120, 'the description of a scope')),
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

const lifetime = z
  .int('token_lifetime_seconds must be a whole number')
  .check(z.refine((seconds) => seconds >= 300 && seconds <= 3_600, 'token_lifetime_seconds must be 300 to 3600'))

const registration = z.strictObject({
  server_url: z.string('server_url must be a string'),
  server_name: displayName('server_name'),
  scopes,
  description: z.optional(text(300, 'description')),
  logo_url: z.optional(logoUrl),
  user_id: z.optional(text(100, 'user_id')),
  token_lifetime_seconds: z.optional(lifetime),
  share_email: z.optional(z.boolean('share_email must be true or false')),
})

const changes = z.strictObject({
  server_name: z.optional(displayName('server_name')),
  scopes: z.optional(scopes),
  description: z.optional(z.nullable(text(300, 'description'))),
  logo_url: z.optional(z.nullable(logoUrl)),
  token_lifetime_seconds: z.optional(z.nullable(lifetime)),
  share_email: z.optional(z.boolean('share_email must be true or false')),
  client_policy: z.optional(
    z.enum(['any', 'not_dynamic', 'pre_registered'], 'client_policy must be any, not_dynamic or pre_registered'),
  ),
})

const hourSeconds = 3_600
const yearSeconds = 31_536_000

const keyRequest = z.strictObject({
  name: text(100, 'name').check(z.refine((value) => value.trim() !== '', 'name must not be empty')),
  expires_in: z.optional(
    z
      .int('expires_in must be a whole number of seconds')
      .check(
        z.refine((seconds) => seconds >= hourSeconds && seconds <= yearSeconds, 'expires_in must be 3600 to 31536000'),
      ),
  ),
})

export type ServerRegistration = Omit<z.infer<typeof registration>, 'share_email'> & { readonly share_email: boolean }
export type ServerChanges = z.infer<typeof changes>
export type KeyRequest = z.infer<typeof keyRequest>

/** Reads a body by a schema; the first defect is said with the member's name (HTTP-API "Conventions"). */
function read<Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw bodyError(parsed.error.issues[0], body)
}

function bodyError(issue: z.core.$ZodIssue | undefined, body: unknown): OAuthError {
  const path = (issue?.path ?? []).map(String).join('.')
  if (issue?.code === 'unrecognized_keys') {
    const [member = ''] = issue.keys
    if (member === 'server_url' && path === '') return refused('member_immutable')
    const shown = /^[A-Za-z0-9_-]{1,64}$/.test(member) ? `${member} is` : 'A member of the body is'
    return refused('member_unknown', `${shown} not known${path === '' ? '' : ` in ${path}`}`)
  }
  if (path === '') return refused('body_malformed', 'The body must be a JSON object')
  if (isMissing(issue?.path ?? [], body)) return refused('member_missing', `${path} is missing`)
  const problem = issue === undefined ? 'is malformed' : innermostMessage(issue)
  return refused('member_malformed', problem.includes(path) ? problem : `${path}: ${problem}`)
}

/** A union says only that nothing fits: what its nearest branch said is better. */
function innermostMessage(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union') return issue.message
  const branches = issue.errors.flat()
  const nearest = branches.find(({ code }) => code !== 'invalid_type') ?? branches[0]
  return nearest === undefined ? issue.message : innermostMessage(nearest)
}

function isMissing(path: readonly PropertyKey[], body: unknown): boolean {
  const [member, deeper] = path
  if (member === undefined || deeper !== undefined || typeof body !== 'object' || body === null) return false
  return !Object.hasOwn(body, member)
}

/**
 * Reads the body of POST /api/servers.
 * @throws OAuthError invalid_request that names the member
 */
export function parseServerRegistration(body: unknown, issuer: IssuerFacts): ServerRegistration {
  const { share_email = true, ...rest } = read(registration, body)
  return { ...rest, server_url: parseServerUrl(rest.server_url, issuer), share_email }
}

/**
 * Reads the body of PATCH /api/servers/:id; null removes a description, logo or lifetime.
 * @throws OAuthError invalid_request that names the member
 */
export function parseServerChanges(body: unknown): ServerChanges {
  const changed = read(changes, body)
  if (Object.keys(changed).length === 0) throw refused('member_missing', 'The body changes nothing')
  return changed
}

/**
 * Reads the body of POST /api/servers/:id/keys.
 * @throws OAuthError invalid_request that names the member
 */
export function parseKeyRequest(body: unknown): KeyRequest {
  const request = read(keyRequest, body)
  return { ...request, name: request.name.trim() }
}
