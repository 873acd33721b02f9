import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the issuer does when it is asked about a token; the resource is the one that asks. */
export type Script = (response: ServerResponse, facts: { issuer: string; resource: string }) => void

export type ScriptedIssuer = {
  readonly url: string
  /** How often it was asked since the script was set. */
  readonly calls: () => number
  readonly play: (script: Script) => void
  readonly close: () => Promise<void>
}

/** An authorization server that answers as no good one would: the only thing here that is not the real one. */
export async function startScriptedIssuer(resource: () => string): Promise<ScriptedIssuer> {
  let script: Script = (response) => response.writeHead(500).end()
  let calls = 0
  const server = createServer((request, response) => {
    calls += 1
    request.resume().on('end', () => script(response, { issuer: url, resource: resource() }))
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  const play = (next: Script) => {
    script = next
    calls = 0
  }
  return { url, calls: () => calls, play, close }
}

export const answers =
  (status: number, body: string, headers: Record<string, string> = { 'content-type': 'application/json' }): Script =>
  (response) =>
    response.writeHead(status, headers).end(body)

/** A live token, but for these members. */
export const live =
  (changed: Record<string, unknown> = {}): Script =>
  (response, { issuer, resource }) => {
    const exp = Math.floor(Date.now() / 1000) + 3600
    const right = { active: true, sub: 'user-1', client_id: 'client_test', scope: 'files:read', aud: resource, exp }
    const body = JSON.stringify({ ...right, iss: issuer, token_type: 'Bearer', ...changed })
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  }

/** Something of the shape of an access token, each time another. */
export function newToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signature = randomBytes(64).toString('base64url')
  return `${part({ alg: 'ES256', typ: 'at+jwt' })}.${part({ sub: 'user-1' })}.${signature}`
}
