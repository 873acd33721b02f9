import { describe, expect, it } from 'vitest'
import { host, hostJson, hostUrl, requestsFor } from '../support/worker/document-host.ts'
import { basic, form, openServer } from '../support/worker/flow.ts'
import { openHouse } from '../support/worker/house.ts'
import { callApi, registerManaged } from './api-requests.ts'

const LIMITS = '{"document_calls_per_host":1000,"document_failures_per_host":1000}'
const house = openHouse({ variables: { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS } })
const openHostedServer = () => openServer(undefined, { server_url: hostUrl(`/${crypto.randomUUID()}/mcp`) })
type Hosted = Awaited<ReturnType<typeof openHostedServer>>
type Check = { name: string; passed: boolean; seen: string; change?: string }

const metadataPath = ({ server_url }: Hosted) => `/.well-known/oauth-protected-resource${new URL(server_url).pathname}`

async function check({ server_id, management_token }: Hosted) {
  const headers = { authorization: `Bearer ${management_token}` }
  const { status, json } = await house.send(`/api/servers/${server_id}/check`, { method: 'POST', headers })
  return { status, passed: json?.passed, checks: (json?.checks ?? []) as Check[] }
}

/** A host answers every method alike: what a protected server says to whoever has no good token, and to a preflight. */
const answer = (server: Hosted, status: number, headers: Record<string, string> = {}) =>
  host(new URL(server.server_url).pathname, {
    status,
    headers: {
      'www-authenticate': `Bearer resource_metadata="${hostUrl(metadataPath(server))}"`,
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'Authorization, Content-Type',
      ...headers,
    },
  })

const named = (checks: readonly Check[], name: string) => checks.find((one) => one.name === name)

describe('POST /api/servers/:id/check', () => {
  it('passes what is right, and says of the preflight what to change', async () => {
    const server = await openHostedServer()
    const { server_id, server_url } = server
    const metadata = { resource: server_url, authorization_servers: [house.issuer], auth_agent_server_id: server_id }
    await hostJson(metadataPath(server), metadata)
    await answer(server, 401)
    const { status, passed, checks } = await check(server)
    expect([status, passed]).toEqual([200, false])
    expect(checks.filter((one) => one.passed).map(({ name }) => name)).toEqual(['metadata', 'challenge', 'audience'])
    expect(named(checks, 'preflight')).toMatchObject({
      seen: 'We sent OPTIONS: status 401; access-control-allow-origin was "*"; access-control-allow-headers was "Authorization, Content-Type"',
      change: 'Answer OPTIONS with 204 before authentication, or clients in browsers cannot connect.',
    })
  })

  it('says word for word what is wrong: no metadata, no challenge, a stranger’s token let in', async () => {
    const server = await openHostedServer()
    await answer(server, 200, { 'access-control-allow-headers': '*' })
    const { checks } = await check(server)
    expect(checks.map(({ passed }) => passed)).toEqual([false, false, false, false])
    expect(named(checks, 'metadata')?.seen).toContain('status 404, expected 200')
    expect(named(checks, 'challenge')?.change).toContain('Answer 401')
    expect(named(checks, 'preflight')?.change).toContain('Name Authorization')
    expect(named(checks, 'audience')?.change).toContain('a token for another one was let in')
  })

  it('names the missing pointer, and a redirect is not followed (J12)', async () => {
    const server = await openHostedServer()
    await answer(server, 401, { 'www-authenticate': 'Bearer realm="x"' })
    expect(named((await check(server)).checks, 'challenge')?.change).toBe(
      `Send resource_metadata="${hostUrl(metadataPath(server))}" in WWW-Authenticate.`,
    )
    await answer(server, 302, { location: '/elsewhere' })
    expect(named((await check(server)).checks, 'challenge')?.seen).toContain('status 302')
    expect(await requestsFor('/elsewhere')).toEqual([])
  })

  it('shows the server a token that is worth nothing anywhere, and no credential of ours', async () => {
    const server = await openHostedServer()
    await answer(server, 401)
    await check(server)
    const asked = await requestsFor(new URL(server.server_url).pathname)
    const tokens = asked.map(({ headers }) => headers.authorization).filter((header) => header !== undefined)
    expect(tokens).toHaveLength(1)
    const token = String(tokens[0]).replace('Bearer ', '')
    const authorization = basic(server.server_id, server.key_secret)
    expect((await house.send('/introspect', form({ token }, { authorization }))).json).toEqual({ active: false })
    expect((await callApi('GET', '/api/servers', token)).status).toBe(401)
    expect((await house.send('/userinfo', { headers: { authorization: `Bearer ${token}` } })).status).toBe(403)
    expect(JSON.stringify(asked)).not.toContain(server.management_token)
  })

  it('J3 J12 calls nobody for a stranger, nor where loopback is not allowed', async () => {
    const server = await openHostedServer()
    const stranger = await registerManaged()
    expect((await check({ ...server, management_token: stranger.token })).status).toBe(404)
    const { json } = await callApi('POST', `/api/servers/${server.server_id}/check`, server.management_token)
    expect([json.passed, json.checks]).toEqual([
      false,
      [
        expect.objectContaining({
          seen: `We looked at nothing: ${server.server_url} is on this computer`,
          change: expect.stringContaining('npm start -- --loopback-documents'),
        }),
      ],
    ])
    expect(await requestsFor(new URL(server.server_url).pathname)).toEqual([])
  })
})
