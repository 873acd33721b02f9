import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listen } from 'auth-agent-mcp-local/src/http.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts, keeperOf, npmStart, type Ports, processesOf, untilGone, untilReady } from './npm-start.ts'

// A folder whose name no other process has.
let folder: string
let ports: Ports
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npm-start-'))
  ports = await freePorts()
})
afterAll(async () => {
  for (const pid of await processesOf(folder)) process.kill(pid, 'SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

const serverId = async () => JSON.parse(await readFile(join(folder, 'example.json'), 'utf8')).server_id
const status = async (url: string, method = 'GET') => (await fetch(url, { method })).status

describe.runIf(process.platform === 'linux')('npm start', () => {
  it('starts everything, says what to do next, and leaves no process behind on SIGTERM', async () => {
    const started = npmStart(folder, ports)
    await untilReady(started)
    const issuer = `http://localhost:${ports.server}`
    const example = `http://localhost:${ports.example}/mcp`
    for (const line of [issuer, `http://localhost:${ports.mailbox}`, example, `${issuer}/api/servers`]) {
      expect(started.output()).toContain(line)
    }
    expect(started.output()).toContain(`--client-id client_claude_code auth-agent-example ${example}`)
    expect(await status(`${issuer}/ready`)).toBe(200)
    expect(await status(`http://localhost:${ports.mailbox}/api/messages`)).toBe(200)
    expect(await status(example, 'POST')).toBe(401)
    expect(await status(`${issuer}/cdn-cgi/handler/scheduled`)).toBe(200)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const file of ['secrets.json', 'worker.env', 'example.json']) {
      expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600)
    }

    const second = npmStart(folder, await freePorts())
    expect(await second.ended).not.toBe(0)
    expect(second.output()).toContain(`${folder} is in use by another running instance`)
    expect(await status(`${issuer}/ready`)).toBe(200)

    started.npm.kill('SIGTERM')
    await started.ended
    await untilGone(folder)
  })

  it('keeps its data, and its children end with it when it is killed without warning', async () => {
    const before = await serverId()
    const started = npmStart(folder, ports)
    await untilReady(started)
    expect(await serverId()).toBe(before)
    process.kill(await keeperOf(folder), 'SIGKILL')
    await untilGone(folder)
  })

  it('survives that, ends on Ctrl-C, begins anew with --reset, and ends when npm is killed', async () => {
    const before = await serverId()
    const kept = npmStart(folder, ports)
    await untilReady(kept)
    expect(await serverId()).toBe(before)
    // What a terminal does at Ctrl-C: the whole foreground group hears it.
    process.kill(-(kept.npm.pid ?? 0), 'SIGINT')
    await untilGone(folder)
    const emptied = npmStart(folder, ports, '--reset', '--loopback-documents')
    await untilReady(emptied)
    expect(await serverId()).not.toBe(before)
    // The example's metadata is no client's: it was read, and is told to be wrong.
    const client_id = `http://localhost:${ports.example}/.well-known/oauth-protected-resource/mcp`
    const page = await fetch(`http://localhost:${ports.server}/authorize?${new URLSearchParams({ client_id })}`)
    expect(await page.text()).toContain('client_document_invalid')
    emptied.npm.kill('SIGKILL')
    await untilGone(folder)
  })

  it('tells of a taken port and of a wrong option in one sentence', async () => {
    const holder = await listen(() => {}, ports.server, 'a test')
    const refused = npmStart(folder, ports)
    expect(await refused.ended).not.toBe(0)
    expect(refused.output()).toContain(`Port ${ports.server}, wanted for the authorization server (--port), is taken`)
    expect(refused.output()).not.toContain('    at ')
    await holder.close()
    const wrong = npmStart(folder, ports, '--nonsense')
    expect(await wrong.ended).not.toBe(0)
    expect(wrong.output()).toContain("Unknown option '--nonsense'")
    await untilGone(folder)
  })
})
