import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bearer, type Connected, connect } from '../conformance/program.ts'
import { examples } from './examples.ts'
import { callTool, mcpHeaders, rpc, sendOnce, statusOf } from './wire.ts'

describe.each(examples)('with a good token the $language example', ({ url, filesFolder }) => {
  const { origin } = new URL(url)
  const server = { server_id: '', api_key: '', management_token: '', server_url: url }
  let reader: Connected
  let writer: Connected
  let everything: Connected
  beforeAll(async () => {
    reader = await connect({ scope: 'files:read' }, { server })
    writer = await connect({ scope: 'files:write' }, { server })
    everything = await connect({ scope: 'files:read files:write files:delete' }, { server })
  })

  /** Read to the end: the answer may begin before the tool has run. */
  const call = async (person: Connected, tool: string, parameters: object) => {
    const response = await callTool(url, tool, parameters, bearer(person.access_token))
    const challenge = response.headers.get('www-authenticate')
    return { status: response.status, challenge, text: await response.text() }
  }
  const get = (path: string) => fetch(origin + path, { headers: bearer(reader.access_token) })

  it('lists, reads, writes and deletes, each for those who may', async () => {
    const name = 'notes/Größe 2.txt'
    expect((await call(writer, 'write_file', { name, text: 'hello' })).text).toContain(`Wrote ${name}.`)
    expect((await call(reader, 'list_files', {})).text).toContain(`${name} (5 bytes)`)
    expect((await call(reader, 'read_file', { name })).text).toContain('"hello"')
    expect((await call(writer, 'delete_file', { name })).status).toBe(403)
    expect((await call(everything, 'delete_file', { name })).text).toContain(`Deleted ${name}.`)
    expect((await call(everything, 'delete_file', { name })).text).toContain(`There is no file ${name}.`)
  })

  it.each([
    ['write_file', 'files:read files:write'],
    ['delete_file', 'files:read files:delete'],
  ])('L10 lets nobody call %s without its scope, and names all that are needed', async (tool, needed) => {
    await writeFile(join(filesFolder, 'kept.txt'), 'kept')
    const { status, challenge } = await call(reader, tool, { name: 'kept.txt', text: 'changed' })
    expect(status).toBe(403)
    expect(challenge).toContain('error="insufficient_scope"')
    expect(challenge).toContain(`scope="${needed}"`)
    expect(await readFile(join(filesFolder, 'kept.txt'), 'utf8')).toBe('kept')
  })

  it('L10 hides no call: not in a batch, behind a header, or at the other spelling of the path', async () => {
    const params = { name: 'delete_file', arguments: { name: 'welcome.md' } }
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
    const send = async (body: unknown, more: Record<string, string> = {}, path = '/mcp') => {
      const headers = { ...mcpHeaders, ...bearer(reader.access_token), ...more }
      const response = await fetch(origin + path, { method: 'POST', body: JSON.stringify(body), headers })
      await response.text()
      return response.status
    }
    expect(await send([list, call])).toBe(403)
    expect(await send(call, {}, '/mcp/')).toBe(403)
    expect(await send(call, { 'content-type': 'text/plain' })).toBe(403)
    expect(await send(call, { 'mcp-method': 'tools/list' })).toBe(400)
    expect(await send(call, { 'mcp-method': 'tools/call', 'mcp-name': 'read_file' })).toBe(400)
    expect(await readdir(filesFolder)).toContain('welcome.md')
  })

  it.each(['2025-06-18', '2025-11-25'])('serves a client of %s at both spellings of its path', async (revision) => {
    const parameters = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
    for (const path of ['/mcp', '/mcp/']) {
      const headers = { ...bearer(reader.access_token), 'mcp-protocol-version': revision }
      const response = await rpc(origin + path, 'initialize', parameters, headers)
      expect(response.status).toBe(200)
      expect(await response.text()).toContain(`"protocolVersion":"${revision}"`)
    }
  })

  it.each(['GET', 'HEAD', 'DELETE'])('has no sessions, so %s is 405', async (method) => {
    const response = await fetch(url, { method, headers: bearer(reader.access_token) })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
    await response.body?.cancel()
  })

  const oddNames = ['../../etc/passwd', '/etc/passwd', 'C:\\x', 'a\0b', 'a\nb', 'nul', '.hidden', 'e\u0301.txt', '']
  it.each([...oddNames, 'x'.repeat(201), 'ü'.repeat(128)])('refuses the name %j in words', async (name) => {
    for (const tool of ['read_file', 'delete_file', 'write_file']) {
      const parameters = tool === 'write_file' ? { name, text: 'x' } : { name }
      const { status, text } = await call(everything, tool, parameters)
      expect(status).toBe(200)
      expect(text).toContain('"isError":true')
      expect(text).toMatch(/The name (is|must|leads|may)|A part of the name is/)
    }
  })

  it('follows no link out of its folder, and does not list it', async () => {
    await symlink('/etc/passwd', join(filesFolder, 'link.txt'))
    await symlink('/etc', join(filesFolder, 'out'))
    expect((await call(reader, 'read_file', { name: 'link.txt' })).text).toContain('There is no file link.txt.')
    expect((await call(reader, 'read_file', { name: 'out/passwd' })).text).toContain(
      'There is no folder for out/passwd.',
    )
    const listed = await (await get('/api/files')).text()
    expect(listed).toContain('notes/today.txt')
    expect(listed).not.toMatch(/link|out/)
  })

  it('refuses huge files and huge texts', async () => {
    await writeFile(join(filesFolder, 'huge.txt'), 'x'.repeat(300_000))
    expect((await call(reader, 'read_file', { name: 'huge.txt' })).text).toContain(
      'huge.txt is larger than 262144 bytes.',
    )
    const text = 'x'.repeat(300_000)
    expect((await call(writer, 'write_file', { name: 'huge.txt', text })).text).toContain(
      'is larger than 262144 bytes.',
    )
    const message = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { text: text.repeat(5) } })
    expect(statusOf(await sendOnce(url, 'POST', { ...bearer(writer.access_token), ...mcpHeaders }, message))).toBe(413)
  })

  it('takes files by PUT from those who may write, up to a size, and refuses odd names', async () => {
    const put = (path: string, body: string, person = writer) =>
      fetch(`${origin}/api/files/${path}`, { method: 'PUT', body, headers: bearer(person.access_token) })
    expect((await put('put.txt', 'hello', reader)).status).toBe(403)
    expect((await put('put.txt', 'hello')).status).toBe(200)
    expect(await readFile(join(filesFolder, 'put.txt'), 'utf8')).toBe('hello')
    for (const path of ['..%2fescape.txt', '%2fetc%2fpasswd', '.hidden', 'a%00b', 'nul']) {
      expect([path, (await put(path, 'x')).status]).toEqual([path, 400])
    }
    expect((await put('big.txt', 'x'.repeat(300_000))).status).toBe(400)
    const huge = 'x'.repeat(1_100_000)
    const answer = await sendOnce(`${origin}/api/files/big.txt`, 'PUT', bearer(writer.access_token), huge)
    expect(statusOf(answer)).toBe(413)
    expect(await readdir(filesFolder)).not.toContain('big.txt')
  })

  it('answers an unknown path with a JSON 404 that names the endpoint, and has no pages about itself', async () => {
    for (const path of ['/nowhere', '/docs', '/redoc', '/openapi.json']) {
      const response = await get(path)
      expect(response.status).toBe(404)
      expect(await response.json()).toEqual({ error: 'not_found', error_description: 'The MCP endpoint is /mcp.' })
    }
  })
})
