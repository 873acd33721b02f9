import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExampleLanguage, prepareExample } from 'auth-agent-mcp-local/scripts/example-programs.ts'
import { runExample, urlOf } from 'auth-agent-mcp-local/scripts/example-server.ts'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examples } from './examples.ts'
import { answers, live, newToken, type Script, type ScriptedIssuer, startScriptedIssuer } from './scripted-issuer.ts'

const languages = examples.map(({ language }) => language)
const html = { 'content-type': 'text/html' }
const json = (value: unknown) => answers(200, JSON.stringify(value))

async function startAgainstScript(language: ExampleLanguage) {
  const folder = await mkdtemp(join(tmpdir(), 'outage-'))
  const port = await freePort()
  const issuer = await startScriptedIssuer(() => urlOf(port))
  const credentials = { server_id: 'srv_0123456789abcdefghijAB', api_key: `sk_${'k'.repeat(61)}`, management_token: '' }
  const registration = { issuer: issuer.url, server_url: urlOf(port), ...credentials }
  const program = await prepareExample(language, join(folder, 'environment.log'), [])
  const example = await runExample(program, registration, { port, logFile: join(folder, 'example.log') })
  return { folder, port, issuer, example }
}

// What may go wrong with the one whom the example asks, one row an attack or an accident.
const closed: readonly [string, Script][] = [
  ['L1 fails with 500', answers(500, '{}')],
  ['L1 fails with 503', answers(503, '{}')],
  ['L1 is told to come later', answers(429, '{}')],
  ['L1 answers with HTML', answers(200, '<h1>Welcome</h1>', html)],
  ['L1 answers with JSON that calls itself HTML', answers(200, '{"active":true}', html)],
  ['L1 answers with half a JSON text', answers(200, '{"active": tr')],
  ['L1 answers with a list', json([{ active: true }])],
  ['L1 answers without saying who it is', live({ sub: undefined })],
  ['L1 answers with scopes that are none', live({ scope: { 'files:read': true } })],
  ['L1 L24 hangs', () => {}],
  ['L16 cuts the connection', (response) => response.destroy()],
  ['L22 sends the key elsewhere', answers(302, '', { location: '/introspect-elsewhere' })],
  ['L9 refuses the key', answers(401, '{"error":"invalid_client"}')],
]

const refused: readonly [string, Script][] = [
  ['L3 says active: "true"', live({ active: 'true' })],
  ['L3 says active: 1', live({ active: 1 })],
  ['L3 says nothing of active', live({ active: undefined })],
  ['L2 names another server', live({ aud: 'https://other.example/mcp' })],
  ['L2 names no server', live({ aud: undefined })],
  ['L2 names the origin only', (response, facts) => live({ aud: new URL(facts.resource).origin })(response, facts)],
  ['L2 is another issuer', live({ iss: 'https://other.example' })],
  ['L5 says that it is over', live({ exp: 1 })],
]

describe.each(languages)('when the one it asks is not to be relied on, the %s example', (language) => {
  let running: Awaited<ReturnType<typeof startAgainstScript>>
  let issuer: ScriptedIssuer
  beforeAll(async () => {
    running = await startAgainstScript(language)
    issuer = running.issuer
  })
  afterAll(async () => {
    await running.example.stop()
    await issuer.close()
    await rm(running.folder, { recursive: true })
  })

  const ask = (token = newToken()) =>
    fetch(`http://localhost:${running.port}/api/files`, { headers: { authorization: `Bearer ${token}` } })

  it.each(closed)('stays closed: %s', async (_, script) => {
    issuer.play(script)
    const response = await ask()
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.text()).not.toContain('welcome.md')
  })

  it.each(refused)('refuses the token: %s', async (_, script) => {
    issuer.play(script)
    const response = await ask()
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(await response.text()).not.toContain('welcome.md')
  })

  it.each(['files:readwrite', 'files', 'xfiles:read', 'FILES:READ', ''])(
    'L10 takes %j for no files:read',
    async (scope) => {
      issuer.play(live({ scope }))
      expect((await ask()).status).toBe(403)
    },
  )

  it('L6 remembers no hiccup', async () => {
    const token = newToken()
    for (const script of [answers(500, '{}'), answers(429, '{}'), answers(401, '{}')]) {
      issuer.play(script)
      expect((await ask(token)).status).toBe(503)
    }
    issuer.play(live())
    expect((await ask(token)).status).toBe(200)
  })

  it('L8 asks nobody about garbage, and once about a token that comes fifty times at once', async () => {
    issuer.play(live())
    for (const garbage of ['x', 'a.b.c', `${newToken()}A`, newToken().replace(/^[^.]+/, 'eyJhbGciOiJub25lIn0')]) {
      expect((await ask(garbage)).status).toBe(401)
    }
    expect(issuer.calls()).toBe(0)
    const token = newToken()
    const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await ask(token)).status))
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(issuer.calls()).toBe(1)
  })

  it('L23 tells neither key nor token, in answers or in its log', async () => {
    const token = newToken()
    issuer.play(answers(401, '{}'))
    const body = await (await ask(token)).text()
    const log = running.example.lastLines()
    for (const secret of [
      token,
      token.split('.')[2] ?? '',
      'k'.repeat(20),
      btoa('srv_0123456789abcdefghijAB:').slice(0, 20),
    ]) {
      expect(body).not.toContain(secret)
      expect(log).not.toContain(secret)
    }
    expect(log).not.toBe('')
  })
})

describe.each(languages)('without credentials the %s example', (language) => {
  it('L27 does not start, and says in one sentence what is missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outage-'))
    const port = await freePort()
    const none = {
      issuer: 'http://localhost:9',
      server_url: urlOf(port),
      server_id: '',
      api_key: '',
      management_token: '',
    }
    const program = await prepareExample(language, join(folder, 'environment.log'), [])
    const starting = runExample(program, none, { port, logFile: join(folder, 'example.log') })
    await expect(starting).rejects.toThrow(
      /The example server does not start: server_?id is missing\. Set AUTH_AGENT_SERVER_ID/i,
    )
    await rm(folder, { recursive: true })
  })
})
