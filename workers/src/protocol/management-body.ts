import * as z from 'zod/mini'
import { isPlainText } from './display-name.ts'
import { type OAuthError, refused } from './errors.ts'

/** Text that people read: bounded and plain. */
export function plainText(maximum: number, what: string) {
  return z
    .string(`${what} must be a string`)
    .check(z.maxLength(maximum, `${what} may have ${maximum} characters`))
    .check(z.refine(isPlainText, `${what} must not have control or invisible characters`))
}

/** A whole number of seconds within bounds. */
export function seconds(member: string, minimum: number, maximum: number) {
  const problem = `${member} must be ${minimum} to ${maximum}`
  return z
    .int(`${member} must be a whole number of seconds`)
    .check(z.gte(minimum, problem))
    .check(z.lte(maximum, problem))
}

/** What an owner calls a key or a token. */
export const label = plainText(100, 'name').check(z.regex(/\S/, 'name must not be empty'))

/** Reads a body by a schema; the first defect is said with the member's name (HTTP-API "Conventions"). */
export function readBody<Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.infer<Schema> {
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
