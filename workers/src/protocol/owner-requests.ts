import * as z from 'zod/mini'
import { parseEmailAddress } from './email-address.ts'
import { label, readBody, seconds } from './management-body.ts'
import { managementScopes } from './scope.ts'

const hourSeconds = 3_600
/** A personal token lives at most so long (THREATS J19). */
const personalTokenCapSeconds = 7_776_000
const personalTokenSeconds = 2_592_000

export const offerRequest = z.strictObject({
  email: z.string('email must be a string').check(z.maxLength(254, 'email may have 254 characters')),
})

export const acceptRequest = z.strictObject({
  revoke_keys: z.optional(z.boolean('revoke_keys must be true or false')),
})

export const personalTokenRequest = z.strictObject({
  name: label,
  scopes: z
    .array(z.enum(managementScopes, `a scope is one of ${managementScopes.join(', ')}`), 'scopes must be an array')
    .check(z.minLength(1, 'scopes must have at least one scope'))
    .check(z.maxLength(managementScopes.length, 'scopes has a scope twice'))
    .check(z.refine((scopes) => new Set(scopes).size === scopes.length, 'scopes has a scope twice')),
  expires_in: z.optional(seconds('expires_in', hourSeconds, personalTokenCapSeconds)),
})

/**
 * Reads to whom a server is offered: the address in its canonical form.
 * @throws OAuthError invalid_request that names the member
 */
export function parseOfferRequest(body: unknown): { readonly email: string } {
  return { email: parseEmailAddress(readBody(offerRequest, body).email) }
}

/** @throws OAuthError invalid_request that names the member */
export function parseAcceptRequest(body: unknown): { readonly revoke_keys: boolean } {
  return { revoke_keys: readBody(acceptRequest, body).revoke_keys ?? false }
}

/**
 * Reads the body of POST /api/tokens; without `expires_in` a token lives 30 days.
 * @throws OAuthError invalid_request that names the member
 */
export function parsePersonalTokenRequest(body: unknown) {
  const { name, scopes, expires_in = personalTokenSeconds } = readBody(personalTokenRequest, body)
  return { name: name.trim(), scopes, expires_in }
}
