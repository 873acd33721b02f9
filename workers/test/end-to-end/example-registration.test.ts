import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExampleProgram, prepareExample } from 'auth-agent-mcp-local/scripts/example-programs.ts'
import { type Registration, startExample, urlOf } from 'auth-agent-mcp-local/scripts/example-server.ts'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
let program: ExampleProgram
let folder: string
let port: number
beforeAll(async () => {
  stack = await startStack({ database: 'pglite' })
  folder = await mkdtemp(join(tmpdir(), 'auth-agent-example-'))
  program = await prepareExample('typescript', join(folder, 'environment.log'), [])
  port = await freePort()
})
afterAll(async () => {
  await stack?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Starts the example as `npm start` does, ends it, and gives what it keeps for the next time. */
async function registrationOfNextStart(): Promise<Registration> {
  const example = await startExample({ folder, issuer: stack.issuer, port, program })
  await example.stop()
  return JSON.parse(await readFile(join(folder, 'example.json'), 'utf8')) as Registration
}

const call = (method: string, path: string, { management_token }: Registration) =>
  fetch(new URL(path, stack.issuer), { method, headers: { authorization: `Bearer ${management_token}` } })

describe('the example of npm start', () => {
  it('keeps its registration from start to start', async () => {
    expect(await registrationOfNextStart()).toEqual(await registrationOfNextStart())
  })

  it('makes another key once its own is revoked: with that one it would refuse everybody', async () => {
    const before = await registrationOfNextStart()
    const path = `/api/servers/${before.server_id}/keys`
    const { keys } = (await (await call('GET', path, before)).json()) as { keys: { key_id: string }[] }
    await call('DELETE', `${path}/${keys[0]?.key_id}`, before)
    const after = await registrationOfNextStart()
    expect(after.api_key).not.toBe(before.api_key)
    expect([after.server_id, after.server_url]).toEqual([before.server_id, urlOf(port)])
  })

  it('registers anew once it is deleted', async () => {
    const before = await registrationOfNextStart()
    await call('DELETE', `/api/servers/${before.server_id}`, before)
    expect((await registrationOfNextStart()).server_id).not.toBe(before.server_id)
  })

  it('stays with what an owner has taken on the dashboard: its management token has ended, its key has not', async () => {
    const before = await registrationOfNextStart()
    await stack.query('update mcp_data.management_tokens set revoked_at = now() where server_id = $1', [
      before.server_id,
    ])
    expect(await registrationOfNextStart()).toEqual(before)
  })
})
