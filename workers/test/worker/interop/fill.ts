import type { Fields } from './row.ts'

type Values = ReadonlyMap<string, string>

/** A text of the table with what was learnt before: `{client_id}`. @throws Error where nothing of that name was */
export function fill(text: string, values: Values): string {
  return text.replaceAll(/\{([a-z0-9_]+)\}/g, (_whole, name: string) => {
    const value = values.get(name)
    if (value === undefined) throw new Error(`nothing is known by the name of ${name}`)
    return value
  })
}

/** The same, all the way down. */
export function fillAll<Value>(value: Value, values: Values): Value {
  if (typeof value === 'string') return fill(value, values) as Value
  if (Array.isArray(value)) return value.map((one) => fillAll(one, values)) as Value
  if (typeof value !== 'object' || value === null || value instanceof RegExp) return value
  // What a matcher compares with is no data of the table.
  if ('asymmetricMatch' in value) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fillAll(one, values)])) as Value
}

/** Name and value pairs in the order of the table, encoded as a query or a form. */
export function encode(fields: Fields, values: Values): URLSearchParams {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, fill(one, values)]),
  )
  return new URLSearchParams(pairs)
}

const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** The spellings of HTTP Basic that are in use (INTEROP 4.6, 4.8). */
export function basicSpellings(id: string, secret: string): Readonly<Record<string, string>> {
  const strict = (text: string) => encodeURIComponent(text).replaceAll(/[-_.!~*'()]/g, percent)
  const header = (user: string, password: string) => `Basic ${btoa(`${user}:${password}`)}`
  return {
    basic_raw: header(id, secret),
    basic_encoded: header(encodeURIComponent(id), encodeURIComponent(secret)),
    basic_strict: header(strict(id), strict(secret)),
  }
}
