/** The requests that are measured, as the bytes that go over the wire. */
import { randomBytes } from 'node:crypto'
import { makeCodes, makeRefreshTokens } from './connections.ts'
import type { LoadOrder } from './load.ts'
import type { UnderTest } from './under-test.ts'
import type { Workerd } from './workerd.ts'

export type Scenario = {
  name: string
  /** Rates are shown as a share of this scenario's, measured in the same round. */
  besides?: string
  /** Whose CPU time is counted. */
  worker?: Workerd
  port: number
  expect: LoadOrder['expect']
  /** The same requests again and again, or `count` new ones that can each be sent once. */
  requests: readonly string[] | ((count: number) => Promise<string[]>)
}

type Head = { method: string; path: string; headers?: Record<string, string>; body?: string }

function bytes(port: number, { method, path, headers = {}, body = '' }: Head): string {
  const all = {
    Host: `localhost:${port}`,
    Accept: 'application/json',
    ...headers,
    ...(body !== '' && { 'Content-Length': body.length }),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

function form(
  port: number,
  path: string,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): string {
  const body = new URLSearchParams(parameters).toString()
  const all = { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' }
  return bytes(port, { method: 'POST', path, headers: all, body })
}

/** Half of it random text, half real tokens with one byte of the signature changed: those cost a verification. */
function makeGarbage(liveTokens: readonly string[]): string[] {
  return liveTokens.flatMap((token) => {
    const [header, payload] = token.split('.')
    return [randomBytes(32).toString('base64url'), `${header}.${payload}.${randomBytes(64).toString('base64url')}`]
  })
}

function exchangeRequest({ approved, ownServer, server }: UnderTest, code: string): string {
  const { client_id, redirect_uri, code_verifier } = approved
  const parameters = { grant_type: 'authorization_code', code, client_id, redirect_uri, code_verifier }
  return form(server.port, '/token', { ...parameters, resource: ownServer.server_url })
}

async function makeLiveTokens(underTest: UnderTest, count: number): Promise<string[]> {
  const { issuer, approved, ownServer, template } = underTest
  const { client_id, redirect_uri, code_verifier } = approved
  const tokens: string[] = []
  for (const code of await makeCodes(template, count)) {
    const parameters = { grant_type: 'authorization_code', code, client_id, redirect_uri, code_verifier }
    const body = new URLSearchParams({ ...parameters, resource: ownServer.server_url })
    const answer = (await (await fetch(`${issuer}/token`, { method: 'POST', body })).json()) as { access_token: string }
    tokens.push(answer.access_token)
  }
  return tokens
}

/** What the authorization server's own call looked like, so that the bare one is the same. */
async function introspectionArguments(underTest: UnderTest, token: string): Promise<object> {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<
    string,
    string
  >
  const [key] = await underTest.database.query('select key_id, key_digest::text as digest from mcp_data.server_keys')
  return {
    p_key_id: key?.key_id,
    p_key_digests: [key?.digest],
    p_server_id: underTest.ownServer.server_id,
    p_connection_id: claims.jti?.split('.')[0],
    p_audience: claims.aud,
    p_epoch: claims.epoch,
    p_expires_at_seconds: claims.exp,
    p_scope: claims.scope?.split(' '),
    p_request: { request_id: 'bench', ip: '127.0.0.1' },
  }
}

export type Scenarios = { scenarios: Scenario[]; bare: Workerd; tokens: string[] }

const ok = (body: string): LoadOrder['expect'] => ({ status: 200, body })

/** What the authorization server is held against: a route without a database, and its own call with nothing around it. */
function makeReferences({ database, databasePort }: UnderTest, bare: Workerd, args: object): Scenario[] {
  const { worker: key } = database.keys
  const headers = {
    apikey: key,
    Authorization: `Bearer ${key}`,
    'Content-Profile': 'mcp',
    'Content-Type': 'application/json',
  }
  const direct = { method: 'POST', path: '/rest/v1/rpc/introspect_token', headers, body: JSON.stringify(args) }
  const own = { worker: bare, port: bare.port }
  return [
    {
      name: 'bare GET route',
      ...own,
      expect: ok('{"active":false}'),
      requests: [bytes(bare.port, { method: 'GET', path: '/json' })],
    },
    {
      name: 'bare JSON route',
      ...own,
      expect: ok('{"active":false}'),
      requests: [form(bare.port, '/json', { token: randomBytes(32).toString('base64url') })],
    },
    {
      name: 'bare RPC call',
      ...own,
      expect: ok('"outcome":"active"'),
      requests: [bytes(bare.port, { ...direct, path: '/rpc' })],
    },
    {
      name: 'RPC without a Worker',
      besides: 'bare RPC call',
      port: databasePort,
      expect: ok('active'),
      requests: [bytes(databasePort, direct)],
    },
  ]
}

function makeIntrospections({ server, ownServer }: UnderTest, tokens: readonly string[]): Scenario[] {
  const credentials = Buffer.from(`${ownServer.server_id}:${ownServer.api_key}`).toString('base64')
  const introspect = (token: string): string =>
    form(server.port, '/introspect', { token }, { Authorization: `Basic ${credentials}` })
  const own = { worker: server, port: server.port }
  return [
    {
      name: 'introspect live',
      besides: 'bare RPC call',
      ...own,
      expect: ok('"active":true'),
      requests: tokens.map(introspect),
    },
    {
      name: 'introspect garbage',
      besides: 'bare JSON route',
      ...own,
      expect: ok('{"active":false}'),
      requests: makeGarbage(tokens).map(introspect),
    },
  ]
}

function makeTokenRequests(underTest: UnderTest): Scenario[] {
  const { server, template, approved } = underTest
  const own = { worker: server, port: server.port, besides: 'bare RPC call', expect: ok('"access_token"') }
  const refresh = (refresh_token: string): string =>
    form(server.port, '/token', { grant_type: 'refresh_token', refresh_token, client_id: approved.client_id })
  return [
    {
      name: 'exchange',
      ...own,
      requests: async (count) => (await makeCodes(template, count)).map((code) => exchangeRequest(underTest, code)),
    },
    { name: 'refresh', ...own, requests: async (count) => (await makeRefreshTokens(template, count)).map(refresh) },
  ]
}

export async function makeScenarios(underTest: UnderTest): Promise<Scenarios> {
  const { server } = underTest
  const tokens = await makeLiveTokens(underTest, 32)
  const args = await introspectionArguments(underTest, tokens[0] ?? '')
  const bare = await underTest.startBare()
  const metadata = bytes(server.port, { method: 'GET', path: '/.well-known/oauth-authorization-server' })
  const scenarios = [
    ...makeReferences(underTest, bare, args),
    {
      name: 'metadata',
      besides: 'bare GET route',
      worker: server,
      port: server.port,
      expect: ok('"issuer"'),
      requests: [metadata],
    },
    ...makeIntrospections(underTest, tokens),
    ...makeTokenRequests(underTest),
  ]
  return { scenarios, bare, tokens }
}
