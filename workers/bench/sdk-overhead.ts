/**
 * What the TypeScript SDK adds to a request when it already knows the token: real servers on Node, each a process of its
 * own, with and without it, and with the MCP packages' own middleware around a verifier that does nothing.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Order } from '../../sdk/typescript/bench/server.ts'
import { type Effort, measure } from './measure.ts'
import type { Scenario } from './scenarios.ts'
import type { UnderTest } from './under-test.ts'

/** Time of one request at a full server, and how many times that of the framework alone. */
export type Overhead = { framework: string; variant: string; microseconds: number; ratio: number }

type Protected = { underTest: UnderTest; token: string }

const program = join(import.meta.dirname, '../../sdk/typescript/bench/server.ts')

// Many short rounds: what else the machine does comes and goes, and a ratio is taken within each round.
const effort: Effort = { rounds: 15, durationMs: 250, callers: [8] }

const variants: Record<Order['framework'], readonly Order['variant'][]> = {
  Node: ['bare', 'protected', 'tool scopes'],
  Express: ['bare', 'idle middleware', 'protected', 'tool scopes', 'peer'],
  Hono: ['bare', 'idle middleware', 'protected', 'tool scopes', 'peer'],
}

const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read_file' } })

/** The bytes of a tool call as an MCP client of 2026-07-28 sends it. */
function toolCall(token: string): string {
  const headers = {
    Host: 'localhost',
    Authorization: `Bearer ${token}`,
    Accept: 'application/json, text/event-stream',
    'Content-Type': 'application/json',
    'MCP-Protocol-Version': '2026-07-28',
    'Mcp-Method': 'tools/call',
    'Mcp-Name': 'read_file',
    'Content-Length': body.length,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST /mcp HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

function startServer(order: Order): Promise<{ child: ChildProcess; port: number }> {
  return new Promise((resolve, reject) => {
    const child = fork(program)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`the ${order.framework} server ended`)))
    child.once('message', (address: { port: number }) => resolve({ child, port: address.port }))
    child.send(order)
  })
}

async function measureFramework(framework: Order['framework'], { underTest, token }: Protected): Promise<Overhead[]> {
  const { issuer, ownServer } = underTest
  const { server_id: serverId, api_key: apiKey, server_url: serverUrl } = ownServer
  const options = { serverId, apiKey, issuer, serverUrl, cacheTtlSeconds: 60 }
  const children: ChildProcess[] = []
  const scenarios: Scenario[] = []
  try {
    for (const variant of variants[framework]) {
      const { child, port } = await startServer({ framework, variant, options })
      children.push(child)
      const expect = { status: 200, body: '{"files":[]}' }
      scenarios.push({ name: variant, besides: 'bare', port, expect, requests: [toolCall(token)] })
    }
    const measured = await measure(scenarios, effort, () => process.stderr.write('.'))
    return measured.map(({ name, perSecond, ratio = Number.NaN }) => {
      return { framework, variant: name, microseconds: 1e6 / perSecond, ratio: 1 / ratio }
    })
  } finally {
    for (const child of children) child.disconnect()
  }
}

export async function measureSdkOverhead(protectedBy: Protected): Promise<Overhead[]> {
  const rows: Overhead[] = []
  for (const framework of ['Node', 'Express', 'Hono'] as const) {
    rows.push(...(await measureFramework(framework, protectedBy)))
  }
  return rows
}
