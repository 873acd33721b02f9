import { readdirSync, readFileSync } from 'node:fs'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { type AuthAgentOptions, authAgentMiddleware, type User } from '../src/index.ts'
import { type ContractCase, type Exchange, expectedHeaders, fill, loadDefaults, scriptIssuer } from './contract-case.ts'
import { atSecond } from './support.ts'

const folder = new URL('../../contract/', import.meta.url)
const defaults = loadDefaults(folder)

for (const file of readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'defaults.json')) {
  describe(`contract ${file}`, () => {
    const cases = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as ContractCase[]
    it.each(cases.map((contract) => [contract.name, contract] as const))('%s', async (_, contract) => {
      await run(contract)
    })
  })
}

async function run(contract: ContractCase): Promise<void> {
  const config = { ...defaults.config, ...fill(defaults, contract.config ?? {}) }
  const given = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null))
  const issuer = scriptIssuer(defaults, contract.issuer ?? [], String(given.apiKey))
  const options = { ...given, fetch: issuer.fetch, log: () => {} } as unknown as AuthAgentOptions
  if (contract.refused_at_start) {
    expect(() => authAgentMiddleware(options)).toThrow(expect.objectContaining({ name: 'AuthAgentConfigError' }))
    return
  }
  const app = buildApp(options)
  for (const [position, exchange] of (contract.exchanges ?? []).entries()) {
    await atSecond(defaults.now_seconds + (exchange.at_seconds ?? 0), async () => {
      const times = Array.from({ length: exchange.times ?? 1 }, () => answer(app, exchange))
      for (const seen of await Promise.all(times)) compare(exchange, seen)
    })
    expect(issuer.calls(), `calls of the issuer after exchange ${position + 1}`).toBe(exchange.expect.issuer_calls)
  }
}

type App = { hono: Hono; users: WeakMap<Request, User> }
type Seen = { response: Response; text: string; user: User | undefined }

function buildApp(options: AuthAgentOptions): App {
  const hono = new Hono()
  const users = new WeakMap<Request, User>()
  hono.use(authAgentMiddleware(options))
  hono.all('*', (c) => {
    users.set(c.req.raw, c.get('user'))
    return c.json(c.get('user'))
  })
  return { hono, users }
}

async function answer(app: App, exchange: Exchange): Promise<Seen> {
  const { url, path, method = 'GET', headers = [], body, text, base64 } = fill(defaults, exchange.request)
  const json = body === undefined ? null : JSON.stringify(body)
  const sent = base64 === undefined ? (text ?? json) : Buffer.from(base64, 'base64')
  const request = new Request(url ?? `https://mcp.example${path ?? '/mcp'}`, { method, headers, body: sent })
  const response = await app.hono.fetch(request)
  return { response, text: await response.text(), user: app.users.get(request) }
}

function compare(exchange: Exchange, seen: Seen): void {
  const wanted = exchange.expect
  expect(seen.response.status).toBe(wanted.status)
  expect(Object.fromEntries(seen.response.headers)).toEqual(expectedHeaders(defaults, wanted.headers))
  expect(seen.user !== undefined, 'the handler ran').toBe(wanted.handler_ran)
  if (wanted.user !== undefined) expect(seen.user).toEqual(wanted.user)
  if (wanted.text !== undefined) expect(seen.text).toBe(wanted.text)
  if (wanted.body === undefined) return
  const body = typeof wanted.body === 'string' ? defaults.bodies[wanted.body] : wanted.body
  expect(seen.text).toBe(body === null ? '' : JSON.stringify(body))
}
