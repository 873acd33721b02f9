import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExampleProgram, prepareExample } from 'auth-agent-mcp-local/scripts/example-programs.ts'
import { type Registration, registerExample, runExample, urlOf } from 'auth-agent-mcp-local/scripts/example-server.ts'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { meetFormPerson } from '../support/form-person.ts'
import { authorizeUrl, type Place, startPlace } from './place.ts'

let place: Place
let folder: string
let program: ExampleProgram

beforeAll(async () => {
  place = await startPlace({ variables: { DOCUMENTS_ALLOW_LOOPBACK: 'on' } })
  folder = await mkdtemp(join(tmpdir(), 'auth-agent-proof-'))
  program = await prepareExample('typescript', join(folder, 'environment.log'), [])
})
afterAll(async () => {
  await place.close()
  await rm(folder, { recursive: true, force: true })
})

/** A registration whose URL is not proven, as away from loopback. */
async function registerPending(port: number): Promise<Registration> {
  const registration = await registerExample(place.issuer, urlOf(port))
  const text = "update mcp_data.servers set status = 'pending', verified_at = null where server_id = $1"
  await place.query(text, [registration.server_id])
  return registration
}

const statusOf = async ({ server_id }: Registration): Promise<unknown> => {
  const facts = await fetch(`${place.issuer}/api/servers/${server_id}`)
  return ((await facts.json()) as { status: string }).status
}

function authorizeAt({ server_url }: Registration): URL {
  const url = authorizeUrl(place, 'client_claude_code')
  url.searchParams.set('resource', server_url)
  url.searchParams.delete('scope')
  return url
}

test('deploying the middleware is the proof: the first person to connect finds the server verified (HTTP-API)', async () => {
  const port = await freePort()
  const registration = await registerPending(port)
  expect(await statusOf(registration)).toBe('pending')
  const example = await runExample(program, registration, { port, logFile: join(folder, 'example.log') })
  try {
    const back = await meetFormPerson(place).approve(authorizeAt(registration))
    expect(back.searchParams.get('code')).toMatch(/^mac_/)
    expect(await statusOf(registration)).toBe('verified')
  } finally {
    await example.stop()
  }
})

test('J9 a middleware that serves another registration proves that one alone', async () => {
  const port = await freePort()
  const other = await registerPending(port)
  const registration = await registerPending(port)
  const example = await runExample(program, registration, { port, logFile: join(folder, 'other.log') })
  try {
    const headers = { authorization: `Bearer ${other.management_token}` }
    const answer = await fetch(`${place.issuer}/api/servers/${other.server_id}/verify`, { method: 'POST', headers })
    const { seen } = (await answer.json()) as { seen: string }
    expect(seen).toContain(`auth_agent_server_id was "${registration.server_id}", expected "${other.server_id}"`)
    await meetFormPerson(place).approve(authorizeAt(registration))
    expect([await statusOf(registration), await statusOf(other)]).toEqual(['verified', 'pending'])
  } finally {
    await example.stop()
  }
})
