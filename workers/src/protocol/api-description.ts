import * as z from 'zod/mini'
import openApi from './openapi.json' with { type: 'json' }
import { schemaText } from './schema-text.ts'

const schema = z.object({
  required: z.optional(z.array(z.string())),
  properties: z.optional(z.record(z.string(), z.looseObject({}))),
})
const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.optional(
    z.array(z.object({ name: z.string(), required: z.optional(z.boolean()), schema: z.looseObject({}) })),
  ),
  requestBody: z.optional(z.object({ content: z.object({ 'application/json': z.object({ schema }) }) })),
})
const paths = z.record(z.string(), z.record(z.string(), operation))

/** The document as it is served. */
export const openApiDocument: Readonly<Record<string, unknown>> = openApi

/** Every operation of the document, in its order, as the page shows it. */
export function describeOperations() {
  return Object.entries(paths.parse(openApi.paths)).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, summary, security, parameters = [], requestBody }]) => {
      const { properties = {}, required = [] } = requestBody?.content['application/json'].schema ?? {}
      return {
        id: operationId,
        method: method.toUpperCase(),
        path,
        summary,
        scope: security.flatMap(({ oauth = [] }) => oauth)[0],
        parameters: parameters.map((one) => ({
          name: one.name,
          type: schemaText(one.schema),
          required: one.required === true,
        })),
        members: Object.entries(properties).map(([name, member]) => ({
          name,
          type: schemaText(member),
          required: required.includes(name),
        })),
      }
    }),
  )
}
