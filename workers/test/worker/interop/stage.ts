import { createGuard } from '../../../../sdk/typescript/src/guard.ts'
import { type Answer, brokenStore, type House, openHouse, type Sending } from '../../support/worker/house.ts'
import { meetVisitor, type Visitor } from '../visitor.ts'
import { makeSigner } from './hosting.ts'
import type { Ask, Json, Row } from './row.ts'

/** Everything a row is played on: this server, an MCP server behind our SDK, a person, and what was learnt so far. */
export type Stage = {
  readonly house: House
  readonly visitor: Visitor
  readonly values: Map<string, string>
  readonly keys: object
  readonly send: (at: Ask['at'], path: string, sending: Sending) => Promise<Answer>
  readonly assert: (client_id: string) => Promise<string>
}

// Rows read documents of the same few hosts far more often than one isolate would in a minute.
const LIMITS = '{"document_calls_per_host":1000,"document_failures_per_host":1000}'

let nextPort = 20_000

async function post(house: House, path: string, body: Json, token?: string): Promise<Record<string, string>> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const headers = { 'content-type': 'application/json', ...authorization }
  const answer = await house.send(path, { method: 'POST', headers, body: JSON.stringify(body) })
  if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${answer.text}`)
  return answer.json as Record<string, string>
}

/** Each row has a server on an origin of its own, so that an origin alone can stand for it. */
async function openServer(house: House, { path = '/mcp', scopes = ['files:read', 'files:write'] }: Row['server'] = {}) {
  const port = nextPort++
  const origin = `http://localhost:${port}`
  const server = `${origin}${path}`
  const registered = await post(house, '/api/servers', { server_url: server, server_name: 'Team files', scopes })
  const { server_id = '', management_token } = registered
  const { key_secret = '' } = await post(house, `/api/servers/${server_id}/keys`, { name: 'interop' }, management_token)
  return { port: port.toString(), origin, path, server, server_id, key_secret }
}

type Server = Awaited<ReturnType<typeof openServer>>

const toResponse = ({ status, headers, text }: Answer) => {
  const isEmpty = status === 204 || status === 304
  return new Response(isEmpty ? null : text, { status, headers })
}

/** The MCP server: our SDK in front of a handler that says who it sees. */
function protect(house: House, { server, server_id, key_secret }: Server) {
  const ask = async (input: string | URL | Request, init?: RequestInit) => {
    const body = init?.body === undefined || init.body === null ? {} : { body: String(init.body) }
    const headers = Object.fromEntries(new Headers(init?.headers))
    return toResponse(await house.send(String(input), { method: init?.method ?? 'GET', headers, ...body }))
  }
  return createGuard({
    serverId: server_id,
    apiKey: key_secret,
    issuer: house.issuer,
    serverUrl: server,
    requiredScopes: ['files:read'],
    toolScopes: { write_file: ['files:write'] },
    cacheTtlSeconds: 0,
    fetch: ask as typeof fetch,
  })
}

async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  const json = isJson && text !== '' ? (JSON.parse(text) as Json) : undefined
  return { status: response.status, headers: response.headers, text, json }
}

export async function openStage(row: Row): Promise<Stage> {
  const variables = { LIMITS, ...row.variables }
  const house = openHouse({ variables })
  const away = openHouse({ variables, dependencies: { store: brokenStore } })
  const server = await openServer(house, row.server)
  const guard = protect(house, server)
  const { keys, assert } = await makeSigner(house.issuer)
  const values = new Map(Object.entries({ issuer: house.issuer, ...server }))
  // The first thing a client hosts is its document.
  const [document] = row.hosted ?? []
  if (document !== undefined) values.set('client_id', document.url)
  const send: Stage['send'] = async (at, path, sending) => {
    if (at === 'issuer') return house.send(path, sending)
    if (at === 'issuer without database') return away.send(path, sending)
    const decision = await guard.check(new Request(new URL(path, server.origin), sending))
    if (decision.outcome === 'answer') return toAnswer(decision.response)
    return toAnswer(Response.json({ sub: decision.access.user.sub, scopes: decision.access.user.scopes }))
  }
  return { house, visitor: meetVisitor(variables), values, keys, send, assert }
}
