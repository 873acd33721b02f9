import type { IncomingMessage, ServerResponse } from 'node:http'
import { callerReader } from './api-key.ts'
import type { Query } from './backend.ts'
import { type Listening, listen, readBody } from './http.ts'
import { bodyLimitBytes, differences, functionNameOf } from './not-imitated.ts'
import { notImitated, Problem, problemOf } from './problem.ts'
import { exposedSchema, makeRpc, type Rpc } from './rpc.ts'

type Surface = { rpc: Rpc; readCaller: ReturnType<typeof callerReader> }

/** Serves `POST /rest/v1/rpc/:function` over a database, as far as supabase-js needs it. */
export async function startGateway(query: Query, jwtSecret: string, port: number): Promise<Listening> {
  const surface = { rpc: await makeRpc(query), readCaller: callerReader(jwtSecret) }
  return listen((request, response) => void answer(surface, request, response), port, 'the local database')
}

async function answer(surface: Surface, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let role: string | undefined
  try {
    // The body is read first, so that a refusal never leaves half a request in the connection.
    const body = await readBody(request, bodyLimitBytes)
    const name = functionNameOf(request)
    const caller = await surface.readCaller({
      apikey: singleHeader(request, 'apikey'),
      authorization: request.headers.authorization,
    })
    role = caller.role
    refuseOtherSchemas(request)
    if (body === undefined) throw notImitated(413, differences.bodyLimit)
    send(response, await surface.rpc(caller, name, body === '' ? '{}' : body))
  } catch (error) {
    sendProblem(response, problemOf(error, role))
  }
}

function singleHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function refuseOtherSchemas(request: IncomingMessage): void {
  const schema = singleHeader(request, 'content-profile') ?? 'public'
  if (schema === exposedSchema) return
  const hint = `Only the following schemas are exposed: ${exposedSchema}`
  throw new Problem(406, 'PGRST106', `Invalid schema: ${schema}`, { hint })
}

function send(response: ServerResponse, json: string | undefined): void {
  if (json === undefined) response.writeHead(204).end()
  else response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' }).end(json)
}

function sendProblem(response: ServerResponse, problem: Problem): void {
  const { status, code, message, details, hint, headers } = problem
  const body = JSON.stringify({ code, details, hint, message })
  response.writeHead(status, { ...headers, 'Content-Type': 'application/json; charset=utf-8' }).end(body)
}
