/** What the TypeScript SDK adds to a request when it already knows the token: the same Hono route with and without it, in turns. */
import { Hono } from 'hono'
import { authAgentMiddleware } from '../../sdk/typescript/src/index.ts'
import { median } from './measure.ts'
import type { UnderTest } from './under-test.ts'

export type SdkOverhead = { bareMicroseconds: number; protectedMicroseconds: number; ratio: number }

const requestsPerTurn = 4000
const turns = 9

type App = { fetch: (request: Request) => Response | Promise<Response> }

async function timeTurn(app: App, token: string): Promise<number> {
  const startedMs = performance.now()
  for (let index = 0; index < requestsPerTurn; index += 1) {
    const headers = { Authorization: `Bearer ${token}` }
    const answer = await app.fetch(new Request('http://localhost:33417/mcp', { headers }))
    if (answer.status !== 200) throw new Error(`the SDK answered ${answer.status}: ${await answer.text()}`)
  }
  return ((performance.now() - startedMs) * 1000) / requestsPerTurn
}

/** In this process, without a network: a socket would cost more than what is measured. */
export async function measureSdkOverhead({ issuer, ownServer }: UnderTest, token: string): Promise<SdkOverhead> {
  const { server_id, api_key, server_url } = ownServer
  const bare = new Hono().get('/mcp', (c) => c.json({ files: [] }))
  const guarded = new Hono()
    .use(
      authAgentMiddleware({ serverId: server_id, apiKey: api_key, serverUrl: server_url, issuer, cacheTtlSeconds: 60 }),
    )
    .get('/mcp', (c) => c.json({ files: [] }))
  await timeTurn(bare, token)
  await timeTurn(guarded, token)
  const measured: { bare: number; guarded: number }[] = []
  for (let turn = 0; turn < turns; turn += 1) {
    measured.push({ bare: await timeTurn(bare, token), guarded: await timeTurn(guarded, token) })
  }
  return {
    bareMicroseconds: median(measured.map(({ bare }) => bare)),
    protectedMicroseconds: median(measured.map(({ guarded }) => guarded)),
    ratio: median(measured.map(({ bare, guarded }) => guarded / bare)),
  }
}
