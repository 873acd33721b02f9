import * as z from 'zod/mini'

const schema = z.object({
  type: z.optional(z.union([z.string(), z.array(z.string())])),
  enum: z.optional(z.array(z.string())),
  anyOf: z.optional(z.array(z.unknown())),
  items: z.optional(z.unknown()),
  properties: z.optional(z.record(z.string(), z.unknown())),
  required: z.optional(z.array(z.string())),
  maxLength: z.optional(z.number()),
  minimum: z.optional(z.number()),
  maximum: z.optional(z.number()),
})

/** What a JSON Schema lets in, as the page of the API says it: `string of at most 300 characters or null`. */
export function schemaText(described: unknown): string {
  const { type, enum: values, anyOf, items, properties, required = [], ...bounds } = schema.parse(described)
  if (values !== undefined) return values.join(' or ')
  if (anyOf !== undefined) return anyOf.map(schemaText).join(' or ')
  if (items !== undefined) return `array of ${schemaText(items)}`
  if (properties !== undefined) {
    const names = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`))
    return `{ ${names.join(', ')} }`
  }
  return `${[type ?? 'anything'].flat().join(' or ')}${boundText(bounds)}`
}

type Bounds = Pick<z.infer<typeof schema>, 'maxLength' | 'minimum' | 'maximum'>

function boundText({ maxLength, minimum, maximum }: Bounds): string {
  if (maxLength !== undefined) return ` of at most ${maxLength} characters`
  return minimum === undefined || maximum === undefined ? '' : ` from ${minimum} to ${maximum}`
}
