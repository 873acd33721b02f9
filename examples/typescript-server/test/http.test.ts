import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Example, startExample } from './start-example.ts'

let example: Example
beforeAll(async () => {
  example = await startExample()
})
afterAll(() => example.close())

function send(path: string, init: RequestInit & { token?: string } = {}): Promise<Response> {
  const { token, ...rest } = init
  const headers = new Headers(init.headers)
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  return fetch(`${example.origin}${path}`, { ...rest, headers })
}

const initialize = (protocolVersion: string) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  })
const mcpHeaders = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

describe('the MCP endpoint', () => {
  it.each(['GET', 'HEAD', 'POST', 'DELETE'])(
    'L14 answers %s without a token with a challenge, at both spellings',
    async (method) => {
      for (const path of ['/mcp', '/mcp/']) {
        const response = await send(path, { method })
        expect(response.status).toBe(401)
        expect(response.headers.get('www-authenticate')).toBe(
          `Bearer scope="files:read", resource_metadata="${example.origin}/.well-known/oauth-protected-resource/mcp"`,
        )
        await response.body?.cancel()
      }
    },
  )

  it.each(['GET', 'HEAD', 'DELETE'])('has no sessions, so %s with a token is 405', async (method) => {
    const response = await send('/mcp', { method, token: example.as.issueToken('files:read') })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
    await response.body?.cancel()
  })

  it.each(['2025-06-18', '2025-11-25'])('serves a client of %s at both spellings', async (revision) => {
    for (const path of ['/mcp', '/mcp/']) {
      const token = example.as.issueToken('files:read')
      const response = await send(path, { method: 'POST', body: initialize(revision), headers: mcpHeaders, token })
      expect(response.status).toBe(200)
      expect(await response.text()).toContain(`"protocolVersion":"${revision}"`)
    }
  })

  it.each([
    ['write_file', 'files:read', 'files:read files:write'],
    ['delete_file', 'files:write', 'files:read files:delete'],
  ])(
    'L10 answers %s with the scope %s with a real 403 that names all scopes (MCP 2026-07-28)',
    async (name, scope, needed) => {
      const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }
      const token = example.as.issueToken(scope)
      const response = await send('/mcp', { method: 'POST', body: JSON.stringify(call), headers: mcpHeaders, token })
      expect(response.status).toBe(403)
      expect(response.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
      expect(response.headers.get('www-authenticate')).toContain(`scope="${needed}"`)
    },
  )

  it('L5 refuses a revoked token', async () => {
    const token = example.as.issueToken('files:read')
    example.as.revoke(token)
    expect((await send('/mcp', { token })).status).toBe(401)
  })

  it('L28 refuses a foreign host name', async () => {
    const answer = await rawRequest('GET /mcp HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 403 /)
  })

  it('L11 refuses two Authorization headers on the wire', async () => {
    const token = example.as.issueToken('files:read')
    const line = `Authorization: Bearer ${token}\r\n`
    const answer = await rawRequest(`GET /mcp HTTP/1.1\r\nHost: localhost\r\n${line}${line}Connection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('answers an unknown path with a JSON 404 that names the endpoint', async () => {
    const response = await send('/nowhere', { token: example.as.issueToken('files:read') })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error_description: 'The MCP endpoint is /mcp.' })
  })
})

describe('the plain API', () => {
  it('lists files for curl', async () => {
    const response = await send('/api/files', { token: example.as.issueToken('files:read') })
    const { user, files } = (await response.json()) as { user: string; files: { name: string }[] }
    expect(user).toBe('user-1')
    expect(files.map((file) => file.name)).toEqual(['notes/today.txt', 'welcome.md'])
  })

  it('L10 needs files:write to put a file', async () => {
    const put = (scope: string) =>
      send('/api/files/put.txt', { method: 'PUT', body: 'hello', token: example.as.issueToken(scope) })
    expect((await put('files:read')).status).toBe(403)
    expect((await put('files:write')).status).toBe(200)
  })

  it.each(['..%2fescape.txt', '%2fetc%2fpasswd', '.hidden', 'a%00b'])('refuses the name %s with 400', async (name) => {
    const token = example.as.issueToken('files:write')
    const response = await send(`/api/files/${name}`, { method: 'PUT', body: 'x', token })
    expect(response.status).toBe(400)
  })

  it('refuses a body that is too large', async () => {
    const token = example.as.issueToken('files:write')
    const response = await send('/api/files/big.txt', { method: 'PUT', body: 'x'.repeat(1_100_000), token })
    expect(response.status).toBe(413)
  })
})

function rawRequest(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(example.origin).port), '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
}
