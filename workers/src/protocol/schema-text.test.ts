import { expect, test } from 'vitest'
import { schemaText } from './schema-text.ts'

const name = { type: 'string', pattern: '^[a-z]+$' }

test.each([
  [name, 'string'],
  [{ type: 'string', maxLength: 300 }, 'string of at most 300 characters'],
  [{ type: 'integer', minimum: 300, maximum: 3600 }, 'integer from 300 to 3600'],
  [{ type: 'string', enum: ['allow', 'block'] }, 'allow or block'],
  [{ anyOf: [{ type: 'string', maxLength: 300 }, { type: 'null' }] }, 'string of at most 300 characters or null'],
  [
    { type: 'array', items: { anyOf: [name, { properties: { name, required: {} }, required: ['name'] }] } },
    'array of string or { name, required? }',
  ],
  [{}, 'anything'],
])('%j is told as %s', (described, text) => {
  expect(schemaText(described)).toBe(text)
})
