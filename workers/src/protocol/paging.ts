import * as z from 'zod/mini'
import { refused } from './errors.ts'
import { readBody } from './management-body.ts'

const pageCap = 100
const standardPage = 50

const limit = z.coerce
  .number(`limit must be 1 to ${pageCap}`)
  .check(z.int(`limit must be 1 to ${pageCap}`), z.gte(1, `limit must be 1 to ${pageCap}`))
  .check(z.lte(pageCap, `limit must be 1 to ${pageCap}`))

/** Where a page ends, as the database says it; a cursor of another list is none of this one. */
function cursor(shape: RegExp) {
  return z.optional(z.string().check(z.regex(shape, 'cursor must be the next of an answer of the same list')))
}

const id = z.string().check(z.regex(/^[A-Za-z0-9_-]{22}$/, 'this must be an id'))
const day = z
  .string()
  .check(z.regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/, 'a day is YYYY-MM-DD'), z.refine(isDay, 'there is no such day'))

const reference = z.string().check(z.regex(/^[A-Za-z0-9_-]{1,100}$/, 'reference is the request id of an answer'))

export const pageQuery = z.strictObject({
  limit: z.optional(limit),
  cursor: cursor(/^[0-9]{1,16}\.[A-Za-z0-9_-]{22}$/),
})

/** Pages of servers, also of those that are offered. */
export const serversQuery = z.strictObject({
  limit: z.optional(limit),
  cursor: cursor(/^[0-9]{1,16}\.srv_[0-9A-Za-z]{22}$/),
})

export const keysQuery = z.strictObject({
  limit: z.optional(limit),
  cursor: cursor(/^[0-9]{1,16}\.key_[0-9A-Za-z]{12}$/),
})

export const tokensQuery = z.strictObject({
  limit: z.optional(limit),
  cursor: cursor(/^[0-9]{1,16}\.tok_[0-9A-Za-z]{12}$/),
})

export const authorizationsQuery = z.extend(pageQuery, { reference: z.optional(reference) })

export const eventsQuery = z.strictObject({
  limit: z.optional(limit),
  cursor: cursor(/^[0-9]{1,16}\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  event: z.optional(z.string().check(z.regex(/^[a-z_]{1,40}\.[a-z_]{1,40}$/, 'event is like key.created'))),
  client_id: z.optional(z.string().check(z.regex(/^[\x21-\x7e]{1,2048}$/, 'client_id must be printable'))),
  connection_id: z.optional(id),
  transaction_id: z.optional(id),
  reference: z.optional(reference),
})

export const usageQuery = z.strictObject({
  limit: z.optional(limit),
  cursor: cursor(/^[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9a-f]{64}$/),
  from: z.optional(day),
  to: z.optional(day),
})

function isDay(text: string): boolean {
  const moment = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(text) && !text.startsWith('0000')
}

/** The query of a management request; a member that comes twice or is not known is 400. */
function readQuery<Schema extends z.ZodMiniType>(schema: Schema, query: URLSearchParams): z.infer<Schema> {
  const names = [...query.keys()]
  if (new Set(names).size !== names.length) throw refused('member_malformed', 'A parameter of the query comes twice')
  return readBody(schema, Object.fromEntries(query))
}

export type Page = { readonly p_before: string | null; readonly p_limit: number }

function pageOf(asked: { readonly limit?: number | undefined; readonly cursor?: string | undefined }): Page {
  return { p_before: asked.cursor ?? null, p_limit: asked.limit ?? standardPage }
}

type ListQuery = typeof pageQuery | typeof serversQuery | typeof keysQuery | typeof tokensQuery

/** @throws OAuthError invalid_request that names the parameter */
export function parsePageQuery(query: URLSearchParams, schema: ListQuery = pageQuery): Page {
  return pageOf(readQuery(schema, query))
}

/** @throws OAuthError invalid_request that names the parameter */
export function parseAuthorizationsQuery(query: URLSearchParams) {
  const { reference = null, ...page } = readQuery(authorizationsQuery, query)
  return { ...pageOf(page), p_reference: reference }
}

/** @throws OAuthError invalid_request that names the parameter */
export function parseEventsQuery(query: URLSearchParams) {
  const { limit: p_limit = standardPage, cursor: p_before = null, ...p_filter } = readQuery(eventsQuery, query)
  return { p_before, p_limit, p_filter }
}

/**
 * Days are UTC and both ends are meant; without them the last 30 days.
 * @throws OAuthError invalid_request that names the parameter
 */
export function parseUsageQuery(query: URLSearchParams, nowMs: number) {
  const asked = readQuery(usageQuery, query)
  if (asked.cursor !== undefined && !isDay(asked.cursor.slice(0, 10))) {
    throw refused('member_malformed', 'cursor must be the next of an answer of the same list')
  }
  const dayOf = (daysAgo: number) => new Date(nowMs - daysAgo * 86_400_000).toISOString().slice(0, 10)
  return { ...pageOf(asked), p_from: asked.from ?? dayOf(29), p_to: asked.to ?? dayOf(0) }
}
