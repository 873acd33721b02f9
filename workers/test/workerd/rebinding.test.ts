import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { meetFormPerson } from '../support/form-person.ts'
import { askFor, authorizeUrl, type Place, startPlace } from './place.ts'
import { answerWith, openStrangeHost, type StrangeHost } from './strange-host.ts'

// `localhost` stands for any name that a check found public and that leads to loopback when the connection is made: the
// development switch lets it through every check of ours, so that what is left is the network of the runtime.
const variables = { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS: '{"document_milliseconds":60000}' }

let host: StrangeHost
let publicOnly: Place
let open: Place

beforeAll(async () => {
  host = await openStrangeHost()
  publicOnly = await startPlace({ outbound: ['public'], variables })
  open = await startPlace({ variables })
})

afterAll(async () => {
  await publicOnly.close()
  await open.close()
  await host.close()
})

beforeEach(() => host.behave((socket) => answerWith(socket, '{}')))

const port = () => new URL(host.url()).port
const documents = () => [`http://localhost:${port()}/client.json`, host.url()]

test('E3 a name that leads to loopback gets no connection from a Worker whose network is public (SECURITY §25)', async () => {
  for (const client_id of documents()) {
    const { location, text } = await askFor(publicOnly, client_id)
    expect([location, text.includes('client_document_unavailable')]).toEqual([null, true])
  }
  expect(host.connections.length).toBe(0)
})

test('E3 the same names are called where the network reaches them: nothing else stood in between', async () => {
  for (const client_id of documents()) {
    expect((await askFor(open, client_id)).text).toContain('client_document_invalid')
  }
  expect(host.connections.length).toBe(2)
})

test('E3 J12 a proof gets no connection either', async () => {
  for (const place of [publicOnly, open]) {
    const server_url = `http://localhost:${port()}/mcp`
    const json = { 'content-type': 'application/json' }
    const body = JSON.stringify({ server_url, server_name: 'Files', scopes: ['files:read'] })
    const registered = await fetch(`${place.issuer}/api/servers`, { method: 'POST', headers: json, body })
    const { server_id, management_token } = (await registered.json()) as Record<string, string>
    await place.query("update mcp_data.servers set status = 'pending', verified_at = null where server_id = $1", [
      server_id,
    ])
    const headers = { authorization: `Bearer ${management_token}` }
    const answer = await fetch(`${place.issuer}/api/servers/${server_id}/verify`, { method: 'POST', headers })
    const { seen } = (await answer.json()) as { seen: string }
    const metadata_url = `http://localhost:${port()}/.well-known/oauth-protected-resource/mcp`
    if (place === publicOnly) {
      expect(seen).toBe(`We fetched ${metadata_url}: the host could not be reached`)
      expect(host.connections.length).toBe(0)
    } else {
      expect(seen).toContain(`We fetched ${metadata_url}: status 200; resource was absent`)
      expect(host.connections.length).toBe(1)
    }
  }
})

test('E3 a resolver that cannot be reached lets nothing through', async () => {
  const place = await startPlace({
    outbound: ['public'],
    variables: { ...variables, DNS_RESOLVER_URL: `http://127.0.0.1:${port()}/dns-query` },
  })
  try {
    const { text } = await askFor(place, 'https://rebind.good.dev/client.json')
    expect([text.includes('client_document_unavailable'), host.connections.length]).toEqual([true, 0])
  } finally {
    await place.close()
  }
})

test('database and mail are reached through their own bindings, past a network that is public only', async () => {
  const person = meetFormPerson(publicOnly)
  const page = await person.open(authorizeUrl(publicOnly, 'client_claude_code'))
  const consent = await person.signIn(page)
  expect(consent.html).toContain('name="decision"')
})

test('E3 the self-hosted form gives strangers’ URLs such a network, and no other', async () => {
  const text = await readFile(join(import.meta.dirname, '../../self-hosted/worker.capnp'), 'utf8')
  const workers = text.match(/:Workerd\.Worker = \(/g) ?? []
  expect(text.match(/globalOutbound = "strangers"/g)).toHaveLength(workers.length)
  expect(/\(name = "strangers", network = \(allow = (\[[^\]]*\])/.exec(text)?.[1]).toBe('["public"]')
  const own = [...text.matchAll(/\(name = "(\w+)", service = "own"\)/g)].map(([, name]) => name)
  expect(own).toEqual(['DATABASE', 'MAIL'])
})
