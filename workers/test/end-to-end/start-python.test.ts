import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { preparePython, pythonExample } from '../../../scripts/python.mjs'
import { freePorts, npmStart, type Ports, processesOf, untilGone, untilReady } from './npm-start.ts'

// A folder whose name no other process has.
let folder: string
let ports: Ports
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npm-start-python-'))
  ports = await freePorts()
})
afterAll(async () => {
  for (const pid of await processesOf(folder)) process.kill(pid, 'SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

const kept = async () => JSON.parse(await readFile(join(folder, 'example.json'), 'utf8'))

const hasPython = await preparePython({ env: process.env }, pythonExample).then(
  () => true,
  () => false,
)

describe.runIf(process.platform === 'linux' && hasPython)('npm start -- --example python', () => {
  it('starts the example in Python at the same URL, keyed over the public API, and ends it on Ctrl-C', async () => {
    const started = npmStart(folder, ports, '--example', 'python')
    await untilReady(started)
    const url = `http://localhost:${ports.example}/mcp`
    expect(started.output()).toContain(`example MCP server     ${url}   (Python; it shares `)
    expect(started.output()).toContain(`auth-agent-example ${url}`)
    const refused = await fetch(url, { method: 'POST' })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('server')).toBe('uvicorn')
    const metadata = await fetch(`http://localhost:${ports.example}/.well-known/oauth-protected-resource/mcp`)
    expect(await metadata.json()).toMatchObject({ resource: url, auth_agent_server_id: (await kept()).server_id })
    process.kill(-(started.npm.pid ?? 0), 'SIGINT')
    await untilGone(folder)
  })

  it('gives a registration of an earlier start the scopes that it lacks, and ends on SIGTERM', async () => {
    const issuer = `http://localhost:${ports.server}`
    const registration = await kept()
    const server = `${issuer}/api/servers/${registration.server_id}`
    const scopesOf = async () => {
      const { scopes } = (await (await fetch(server)).json()) as { scopes: { name: string }[] }
      return scopes.map(({ name }) => name)
    }
    const first = npmStart(folder, ports, '--no-example')
    await untilReady(first)
    const headers = { authorization: `Bearer ${registration.management_token}`, 'content-type': 'application/json' }
    const fewer = JSON.stringify({ scopes: ['files:read', 'files:write'] })
    expect((await fetch(server, { method: 'PATCH', headers, body: fewer })).status).toBe(200)
    first.npm.kill('SIGTERM')
    await untilGone(folder)

    const second = npmStart(folder, ports, '--example', 'python')
    await untilReady(second)
    expect(await scopesOf()).toEqual(['files:read', 'files:write', 'files:delete'])
    expect((await kept()).server_id).toBe(registration.server_id)
    second.npm.kill('SIGTERM')
    await untilGone(folder)
  })

  it('tells of another language in one sentence', async () => {
    const wrong = npmStart(folder, ports, '--example', 'cobol')
    expect(await wrong.ended).not.toBe(0)
    expect(wrong.output()).toContain('--example wants one of typescript, python, not cobol.')
    expect(wrong.output()).not.toContain('    at ')
    await untilGone(folder)
  })
})
