import { refused } from './errors.ts'

/** The parameters of an OAuth request, by their exact names (RFC 6749 §3.1, §3.2). */
export type Parameters = {
  /**
   * The value; undefined when it is absent or empty, which are the same.
   * @throws OAuthError invalid_request when it is there twice with different values
   */
  readonly get: (name: string) => string | undefined
  /** Each different value that is not empty. */
  readonly all: (name: string) => readonly string[]
}

/** Parameters from name and value pairs: a query string or a form body, as URLSearchParams reads them. */
export function parametersFrom(pairs: Iterable<readonly [string, string]>): Parameters {
  // Sets, because some clients send a parameter twice, which is harmless while both say the same; and because a list that is
  // looked through for each of thousands of values costs more than everything else about a request (THREATS F32).
  const values = new Map<string, Set<string>>()
  for (const [name, value] of pairs) {
    if (value === '') continue
    const known = values.get(name)
    if (known === undefined) values.set(name, new Set([value]))
    else known.add(value)
  }
  return {
    get: (name) => {
      const [value, second] = values.get(name) ?? []
      if (second !== undefined)
        throw refused('parameter_repeated', `${name} was sent more than once with different values`)
      return value
    },
    all: (name) => [...(values.get(name) ?? [])],
  }
}

/**
 * Parameters from a JSON body: one flat object of strings (HTTP-API "Conventions").
 * @throws OAuthError invalid_request for anything else (THREATS F19)
 */
export function parametersFromJson(body: string): Parameters {
  const parsed = parseJson(body)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw refused('body_malformed', 'The JSON body must be one flat object of strings')
  }
  return parametersFrom(
    Object.entries(parsed).map(([name, value]: [string, unknown]): [string, string] => {
      if (typeof value === 'string') return [name, value]
      throw refused('body_malformed', 'Each member of the JSON body must be a string')
    }),
  )
}

/** @throws OAuthError invalid_request when it is not JSON */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw refused('body_malformed', 'The body is not valid JSON')
  }
}
