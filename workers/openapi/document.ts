import * as z from 'zod/mini'
import { errorAnswer } from './answers.ts'
import type { Operation } from './operation.ts'
import { ownerOperations } from './owner-operations.ts'
import { serverOperations } from './server-operations.ts'

type Json = Readonly<Record<string, unknown>>

/** The shapes of ids in paths, as `http/management-path.ts` reads them. */
const shapes: Readonly<Record<string, string>> = {
  server_id: '^srv_[0-9A-Za-z]{22}$',
  key_id: '^key_[0-9A-Za-z]{12}$',
  token_id: '^tok_[0-9A-Za-z]{12}$',
  rule_id: '^rul_[0-9A-Za-z]{12}$',
  connection_id: '^[A-Za-z0-9_-]{22}$',
  webhook_id: '^whk_[0-9A-Za-z]{12}$',
  message_id: '^msg_[0-9a-f]{32}$',
}

const refusalTexts: Readonly<Record<number, string>> = {
  400: 'The request is malformed; error_description names the member',
  401: 'The credential is missing or not valid',
  403: 'The token lacks a scope',
  404: 'There is none of yours with this id',
  409: 'It conflicts with what is there',
  413: 'The body is too large',
  422: 'The idempotency key came with another body before',
  429: 'Too many requests; Retry-After says how long to wait',
  503: 'The server cannot answer at the moment',
}

/** The JSON Schema of what a request may hold: the very schema that parses it. */
function schemaOf(schema: z.ZodMiniType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: withoutNoise })
  return json
}

/** A format says it already, and every number of JSON is a safe integer somewhere. */
function withoutNoise({
  jsonSchema,
}: {
  jsonSchema: { format?: unknown; pattern?: unknown; minimum?: number; maximum?: number }
}): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
}

function parametersOf({ path, query, isRepeatable }: Operation): Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', pattern: shapes[name] },
  }))
  const { properties = {} } = query === undefined ? {} : schemaOf(query, 'output')
  const inQuery = Object.entries(properties as Json).map(([name, schema]) => ({ name, in: 'query', schema }))
  const key = { type: 'string', minLength: 16, maxLength: 128, pattern: '^[!#-\\[\\]-~]+$' }
  const inHeader = isRepeatable ? [{ name: 'Idempotency-Key', in: 'header', schema: key }] : []
  return [...inPath, ...inQuery, ...inHeader]
}

function statusesOf({ body, query, refusals = [], isRepeatable, path, scope }: Operation): number[] {
  const statuses = [400, 401, 429, 503, ...refusals]
  if (scope !== undefined) statuses.push(403)
  if (path.includes('{')) statuses.push(404)
  if (body !== undefined) statuses.push(413)
  if (isRepeatable) statuses.push(404, 422)
  if (query !== undefined) statuses.push(400)
  return [...new Set(statuses)].sort()
}

function responsesOf(operation: Operation): Json {
  const { status, schema } = operation.answer
  const refusals = statusesOf(operation).map((refusal) => [
    String(refusal),
    { $ref: `#/components/responses/${refusal}` },
  ])
  const content = schema && { content: { 'application/json': { schema: schemaOf(schema, 'output') } } }
  return { [String(status)]: { description: 'Done', ...content }, ...Object.fromEntries(refusals) }
}

function operationOf(operation: Operation): Json {
  const { operationId, summary, scope, isOpen, body } = operation
  const parameters = parametersOf(operation)
  const scopes = scope === undefined ? [] : [scope]
  return {
    operationId,
    summary,
    security: [{ bearer: [] }, { oauth: scopes }, ...(isOpen ? [{}] : [])],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: responsesOf(operation),
  }
}

/** The OpenAPI 3.1 document of the management API, made from the schemas that parse its requests. */
export function openApiDocument(): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of [...serverOperations, ...ownerOperations]) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationOf(operation) }
  }
  const refused = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
  const responses = Object.entries(refusalTexts).map(([status, description]) => [
    status,
    { description, content: refused },
  ])
  const scopes = {
    'servers:read': 'See your servers',
    'servers:write': 'Change them',
    'keys:write': 'Make and revoke keys',
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Auth-Agent MCP: server management', version: '1' },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Error: schemaOf(errorAnswer, 'output') },
      responses: Object.fromEntries(responses),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A management token (smt_) or a personal token (pat_)' },
        oauth: {
          type: 'oauth2',
          flows: {
            authorizationCode: { authorizationUrl: '/authorize', tokenUrl: '/token', refreshUrl: '/token', scopes },
          },
        },
      },
    },
  }
}
