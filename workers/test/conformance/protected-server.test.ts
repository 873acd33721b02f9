import { beforeAll, describe, expect, it } from 'vitest'
import { place } from './place.ts'
import { bearer, type Connected, connect } from './program.ts'

const { origin, pathname } = new URL(place.exampleUrl)
const metadataUrl = `${origin}/.well-known/oauth-protected-resource${pathname}`

let reader: Connected
let writer: Connected
let stranger: Connected
beforeAll(async () => {
  reader = await connect({ scope: 'files:read' }, { server: place.example })
  writer = await connect({ scope: 'files:write' }, { server: place.example })
  stranger = await connect()
})

const files = (headers: Record<string, string> = {}, query = '') => fetch(`${origin}/api/files${query}`, { headers })

/** One JSON-RPC message, as a client of the given revision posts it. */
function rpc(method: string, params: object, headers: Record<string, string>): Promise<Response> {
  const accept = 'application/json, text/event-stream'
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  return fetch(place.exampleUrl, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', accept, ...headers },
  })
}

const initialize = (protocolVersion: string, headers: Record<string, string>) =>
  rpc('initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } }, headers)

const write = (headers: Record<string, string>) =>
  rpc('tools/call', { name: 'write_file', arguments: { name: 'raw.txt', text: 'x' } }, headers)

function challengeOf(response: Response): Record<string, string> {
  const header = response.headers.get('www-authenticate') ?? ''
  expect(header).toMatch(/^Bearer /)
  return Object.fromEntries([...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
}

describe('the metadata of the protected server', () => {
  it('is JSON at the well-known path, with path and without [mcp-2026-07-prm] [mcp-2026-07-prm-location] [rfc9728-3.1-path] [rfc9728-3.2-json]', async () => {
    for (const url of [metadataUrl, `${origin}/.well-known/oauth-protected-resource`]) {
      const response = await fetch(url)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    }
  })

  it('names the resource, its authorization server and its scopes [mcp-2026-07-prm-authorization-servers] [rfc9728-2-resource] [rfc9728-3.3-identical] [rfc9728-2-scopes] [rfc9728-2-bearer-methods] [rfc9728-3.2-no-empty]', async () => {
    const metadata = (await (await fetch(metadataUrl)).json()) as Record<string, unknown>
    expect(metadata.resource).toBe(place.exampleUrl)
    expect(metadata.authorization_servers).toEqual([place.issuer])
    expect(metadata.bearer_methods_supported).toEqual(['header'])
    expect(metadata.scopes_supported).toEqual(expect.arrayContaining(['files:read']))
    expect(metadata.scopes_supported).not.toContain('offline_access')
    expect(Object.values(metadata).filter((value) => value === null || value === '' || String(value) === '')).toEqual(
      [],
    )
  })
})

describe('the protected server', () => {
  it('challenges a request without a token [mcp-2025-06-challenge] [mcp-2026-07-challenge-scope] [mcp-2026-07-scope-minimal] [rfc9728-5.1-challenge] [rfc6750-3-challenge] [rfc6750-3.1-no-error]', async () => {
    for (const response of [await files(), await initialize('2025-06-18', {}), await fetch(place.exampleUrl)]) {
      expect(response.status).toBe(401)
      expect(challengeOf(response)).toEqual({ scope: 'files:read', resource_metadata: metadataUrl })
    }
  })

  it('asks for offline_access nowhere [mcp-2026-07-no-offline-access]', async () => {
    const said = [
      await (await fetch(metadataUrl)).text(),
      ...[await files(), await write(bearer(reader.access_token))].map((response) =>
        response.headers.get('www-authenticate'),
      ),
    ]
    expect(said.join()).not.toContain('offline_access')
  })

  it('takes the token from the Authorization header alone [rfc6750-2.1-header] [mcp-2026-07-query-token]', async () => {
    expect((await files(bearer(reader.access_token))).status).toBe(200)
    expect((await files({ authorization: `bearer ${reader.access_token}` })).status).toBe(200)
    expect((await files({}, `?access_token=${reader.access_token}`)).status).toBe(401)
  })

  it('refuses tokens that are not for it [mcp-2026-07-audience] [mcp-2026-07-own-tokens] [mcp-2026-07-invalid-401] [rfc6750-3.1-invalid-token]', async () => {
    for (const token of [stranger.access_token, reader.refresh_token, `${reader.access_token.slice(0, -6)}AAAAAA`]) {
      const response = await files(bearer(token))
      expect(response.status).toBe(401)
      expect(challengeOf(response)).toMatchObject({ error: 'invalid_token', resource_metadata: metadataUrl })
    }
  })

  it('uses 400 for a malformed header, 401 and 403 for what they mean [mcp-2026-07-status-codes] [rfc6750-3.1-invalid-request]', async () => {
    const malformed = await files({ authorization: 'Bearer two tokens' })
    expect([malformed.status, challengeOf(malformed).error]).toEqual([400, 'invalid_request'])
    expect((await files()).status).toBe(401)
    expect((await write(bearer(reader.access_token))).status).toBe(403)
  })

  it('names all scopes a tool needs in one challenge, each time alike [mcp-2026-07-insufficient-scope] [mcp-2026-07-one-challenge] [mcp-2026-07-consistent] [rfc6750-3.1-insufficient-scope]', async () => {
    for (const response of [await write(bearer(reader.access_token)), await write(bearer(reader.access_token))]) {
      expect(response.status).toBe(403)
      const challenge = challengeOf(response)
      expect(challenge).toMatchObject({ error: 'insufficient_scope', resource_metadata: metadataUrl })
      expect(challenge.scope?.split(' ')).toEqual(expect.arrayContaining(['files:read', 'files:write']))
    }
  })

  it('knows that writing implies reading [mcp-2026-07-hierarchy]', async () => {
    expect(writer.answer.body.scope).toBe('files:write')
    expect((await files(bearer(writer.access_token))).status).toBe(200)
    expect((await write(bearer(writer.access_token))).status).toBe(200)
  })

  it('asks for the token on every request, before looking at it [mcp-2026-07-every-request] [mcp-2026-07-validate-first]', async () => {
    expect((await initialize('2025-06-18', bearer(reader.access_token))).status).toBe(200)
    expect((await rpc('tools/list', {}, { 'mcp-protocol-version': '2025-06-18' })).status).toBe(401)
    expect(
      (
        await fetch(place.exampleUrl, {
          method: 'POST',
          body: '{not json',
          headers: { 'content-type': 'application/json' },
        })
      ).status,
    ).toBe(401)
  })

  it('serves clients of the revision 2025-06-18 [mcp-2025-06-client-flow]', async () => {
    const response = await initialize('2025-06-18', bearer(reader.access_token))
    expect(await response.text()).toContain('"protocolVersion":"2025-06-18"')
  })
})
