import * as z from 'zod/mini'
import type { Reading } from './config-values.ts'
import type { ProviderRow } from './identity/provider.ts'

const text = (maximum: number) => z.string().check(z.minLength(1), z.maxLength(maximum))

/** The origin of a provider, or a URL with a path below it: no query, no fragment, no slash at the end. */
const issuerUrl = text(512).check(
  z.refine(
    (value) =>
      /^(?:https:\/\/|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])[:/]?)[^?#\s]*[^/?#\s]$/.test(value) &&
      URL.canParse(value),
  ),
)

const common = {
  id: z.string().check(z.regex(/^[a-z0-9-]{1,32}$/)),
  name: text(40),
  client_id: text(512),
}

const rows = z
  .array(
    z.discriminatedUnion('kind', [
      z.strictObject({
        ...common,
        kind: z.literal('oidc'),
        issuer: issuerUrl,
        client_secret: z.optional(text(2_048)),
      }),
      z.strictObject({
        ...common,
        kind: z.literal('github'),
        issuer: z._default(issuerUrl, 'https://github.com'),
        api_url: z._default(issuerUrl, 'https://api.github.com'),
        client_secret: text(2_048),
      }),
    ]),
  )
  .check(z.maxLength(10))

/** The rows of IDENTITY_PROVIDERS; what is wrong with one is told by its place and member, never by a value. */
export function readProviders(json: string): Reading<readonly ProviderRow[]> {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    return { problem: 'must be a JSON array' }
  }
  const read = rows.safeParse(withKinds(parsed))
  if (!read.success) {
    const [row, member] = read.error.issues[0]?.path ?? []
    return {
      problem:
        row === undefined ? 'must be a JSON array' : `is wrong in row ${Number(row) + 1}: ${String(member ?? 'kind')}`,
    }
  }
  const known = new Set(read.data.flatMap(({ id, issuer }) => [id, issuer]))
  return known.size === read.data.length * 2 ? { value: read.data } : { problem: 'has two rows with one id or issuer' }
}

/** A row without a kind is an OpenID Connect provider. */
function withKinds(json: unknown): unknown {
  if (!Array.isArray(json)) return json
  return json.map((row: unknown) => (typeof row === 'object' && row !== null ? { kind: 'oidc', ...row } : row))
}
