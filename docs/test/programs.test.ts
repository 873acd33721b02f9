import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { KNOWN_OPTIONS } from '../../sdk/typescript/src/config.ts'
import { freePort } from '../../supabase/local/src/free-port.ts'
import { readCompatibilityDate } from '../../workers/bench/under-test.ts'
import { startWorkerd } from '../../workers/bench/workerd.ts'
import { meetFormPerson } from '../../workers/test/support/form-person.ts'
import { type Stack, startStack } from '../../workers/test/support/stack.ts'
import { type Block, blocksIn, readPage, root } from './blocks.ts'

const pages = ['sdk/typescript/README.md', 'docs/sdk-typescript.md']
const programs = blocksIn(['ts'], pages).flatMap((block) =>
  block.runAs === undefined ? [] : ([[block.runAs, block]] as const),
)

// In the package itself, where Node finds it under its own name, compiled, and every framework beside it.
const folder = mkdtempSync(join(root, 'sdk/typescript/test/.docs-programs-'))
const running: (() => unknown)[] = []
let stack: Stack
beforeAll(async () => {
  stack = await startStack({ database: 'pglite' })
}, 120_000)
afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await stack?.close()
})

type Registered = { serverId: string; apiKey: string; serverUrl: string }

async function post(path: string, body: object, token?: string): Promise<Record<string, string>> {
  const headers = {
    'Content-Type': 'application/json',
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  }
  const response = await fetch(new URL(path, stack.issuer), { method: 'POST', headers, body: JSON.stringify(body) })
  if (response.status >= 300) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return response.json()
}

/** What the README tells an owner to do before the middleware: two steps. */
async function register(port: number): Promise<Registered> {
  const server_url = `http://localhost:${port}/mcp`
  const scopes = ['files:read', 'files:write']
  const { server_id = '', management_token } = await post('/api/servers', { server_url, server_name: 'Files', scopes })
  const { key_secret = '' } = await post(`/api/servers/${server_id}/keys`, { name: 'docs' }, management_token)
  return { serverId: server_id, apiKey: key_secret, serverUrl: server_url }
}

/** A person signs in and approves `files:read`, as any client would have it. */
async function getToken(resource: string): Promise<string> {
  const code_verifier = randomBytes(32).toString('base64url')
  const client = { client_id: 'client_claude_code', redirect_uri: 'http://localhost:33418/callback', resource }
  const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
  const url = new URL('/authorize', stack.issuer)
  const asked = { ...client, response_type: 'code', scope: 'files:read', state: 'docs', code_challenge }
  url.search = new URLSearchParams({ ...asked, code_challenge_method: 'S256' }).toString()
  const callback = await meetFormPerson({ issuer: stack.issuer, mailboxUrl: stack.mailbox.url }).approve(url)
  const code = callback.searchParams.get('code') ?? ''
  const answer = await post('/token', { ...client, grant_type: 'authorization_code', code, code_verifier })
  return answer.access_token ?? ''
}

/** Starts the program as its reader would, at a free port instead of 3000; a module with a `fetch` of its own in workerd. */
async function start(block: Block, index: number): Promise<Registered> {
  const port = await freePort()
  const registered = await register(port)
  const file = join(folder, `program-${index}.ts`)
  writeFileSync(file, block.text.replaceAll('3000', String(port)))
  const variables = {
    AUTH_AGENT_ISSUER: stack.issuer,
    AUTH_AGENT_SERVER_ID: registered.serverId,
    AUTH_AGENT_API_KEY: registered.apiKey,
  }
  if (block.text.includes('export default')) await startWorker(file, port, variables)
  else await startProgram(file, registered.serverUrl, variables)
  return registered
}

async function startWorker(file: string, port: number, bindings: Record<string, string>): Promise<void> {
  const folder = file.replace(/\.ts$/, '')
  const options = ['--bundle', '--format=esm', '--platform=neutral', `--outfile=${join(folder, 'index.mjs')}`]
  await promisify(execFile)(join(root, 'workers/node_modules/.bin/esbuild'), [file, ...options])
  const worker = await startWorkerd({ folder, compatibilityDate: readCompatibilityDate(), port, bindings })
  running.push(worker.stop)
}

async function startProgram(file: string, serverUrl: string, variables: Record<string, string>): Promise<void> {
  const env = { ...process.env, ...variables }
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  running.push(() => child.kill())
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${file} ended: ${said}`)
    const response = await fetch(serverUrl).catch(() => undefined)
    await response?.body?.cancel()
    if (response !== undefined) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

type Reader = Registered & { token: string; call: (path: string, init?: RequestInit) => Promise<Response> }

async function callTool(reader: Reader, name: string): Promise<{ status: number; text: string }> {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }
  const response = await reader.call('/mcp', { method: 'POST', body: JSON.stringify(message), headers })
  return { status: response.status, text: await response.text() }
}

const isPerson = expect.stringMatching(/^[0-9a-f-]{36}$/)

async function isApi({ call }: Reader): Promise<void> {
  const response = await call('/api/files')
  expect([response.status, await response.json()]).toEqual([200, { you: isPerson }])
  expect((await call('/api/files/a', { method: 'PUT' })).status).toBe(403)
}

async function isMcp(reader: Reader): Promise<void> {
  const who = await callTool(reader, 'whoami')
  expect([who.status, who.text]).toEqual([200, expect.stringMatching(/[0-9a-f]{8}-[0-9a-f-]{27}/)])
  expect((await callTool(reader, 'write_file')).status).toBe(403)
}

/** What a reader of the page finds the program to do. */
const RUNS: Record<string, (reader: Reader) => Promise<void>> = {
  hono: isApi,
  express: isApi,
  node: isApi,
  fetch: isApi,
  jwt: isApi,
  mcp: isMcp,
  migrated: isMcp,
  verifier: async ({ call }) => {
    const response = await call('/mcp')
    expect([response.status, await response.json()]).toEqual([200, { you: isPerson }])
  },
}

describe('the options', () => {
  test.each(pages)('are all in the table of %s, and no other', (page) => {
    const [table = ''] = /^\| option [\s\S]*?\n\n/m.exec(readPage(page)) ?? []
    const named = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
    expect(named.sort()).toEqual([...KNOWN_OPTIONS].sort())
  })
})

describe('the programs of the pages', () => {
  test('are all run, each in its way', () => {
    expect(programs.map(([name]) => name).sort()).toEqual(Object.keys(RUNS).sort())
  })

  test.each(programs)('%s lets in who has a token, and tells others where to get one', async (name, block) => {
    const registered = await start(
      block,
      programs.findIndex(([other]) => other === name),
    )
    const { origin } = new URL(registered.serverUrl)
    const refused = await fetch(registered.serverUrl)
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Bearer /)])
    if (name !== 'verifier') {
      const metadata = await (await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)).json()
      expect(metadata).toMatchObject({ resource: registered.serverUrl, authorization_servers: [stack.issuer] })
    }
    const token = await getToken(registered.serverUrl)
    const call = (path: string, init: RequestInit = {}) =>
      fetch(new URL(path, origin), { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } })
    await RUNS[name]?.({ ...registered, token, call })
  })
})
