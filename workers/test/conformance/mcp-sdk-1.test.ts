import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Callback, listenForCallback } from '../support/callback.ts'
import { launchChromium } from '../support/chromium.ts'
import { meetPerson } from '../support/person.ts'
import { type DocumentHost, hostDocuments } from './document-host.ts'
import {
  callbackOf,
  createProgram,
  type Identity,
  identify,
  proofShown,
  recordFetch,
  revokeConnection,
  spoilAccessToken,
} from './mcp-program.ts'
import { place } from './place.ts'

let browser: Browser
let callback: Callback
let documents: DocumentHost
beforeAll(async () => {
  browser = await launchChromium()
  callback = await listenForCallback()
  documents = await hostDocuments()
})
afterAll(async () => {
  await browser.close()
  await callback.close()
  await documents.close()
})

/** A program that knows nothing but the MCP URL, and who it is itself. */
async function start(kind: Identity['kind'] = 'pre_registered') {
  const person = await meetPerson(browser, place)
  const identity = identify(kind, documents, callback.redirectUri)
  const { memory, provider } = createProgram<OAuthTokens>(person, callback.redirectUri, identity)
  const { wire, fetch } = recordFetch()
  const open = () => {
    const client = new Client({ name: 'conformance', version: '1' })
    const transport = new StreamableHTTPClientTransport(new URL(place.exampleUrl), { authProvider: provider, fetch })
    return { client, transport }
  }
  const connect = async () => {
    const first = open()
    // The package's own transport does not satisfy its own type under exactOptionalPropertyTypes.
    type Transport = Parameters<Client['connect']>[0]
    await expect(first.client.connect(first.transport as Transport)).rejects.toThrow(UnauthorizedError)
    await first.transport.finishAuth(callbackOf(memory).get('code') ?? '')
    const second = open()
    await second.client.connect(second.transport as Transport)
    return second
  }
  return { identity, memory, wire, connect }
}

/** With a refresh token this version refreshes, is refused again and gives up: it cannot know better. */
function dropRefreshToken({ memory }: Awaited<ReturnType<typeof start>>): void {
  memory.tokens = { access_token: memory.tokens?.access_token ?? '', token_type: 'Bearer' }
}

const textOf = (result: object) => JSON.stringify(result)
const listFiles = { name: 'list_files', arguments: {} }
const writeFile = { name: 'write_file', arguments: { name: 'conformance.txt', text: 'Written by a test.' } }

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.concurrent('@modelcontextprotocol/sdk 1.x', () => {
  it('gets from the bare URL to a tool call [mcp-2025-11-client-flow]', async () => {
    const { memory, wire, connect } = await start()
    const { client, transport } = await connect()
    const path = new URL(place.exampleUrl).pathname
    expect(wire).toEqual(
      expect.arrayContaining([`POST ${path} 401`, `GET /.well-known/oauth-protected-resource${path} 200`]),
    )
    expect(wire).toEqual(expect.arrayContaining(['GET /.well-known/oauth-authorization-server 200', 'POST /token 200']))
    expect(memory.visits.map(({ pages }) => pages)).toEqual([['sign_in', 'code', 'consent']])
    expect(transport.protocolVersion).toBe('2025-11-25')
    expect(textOf(await client.callTool(listFiles))).toContain('welcome.md')
    await client.close()
  })

  it('steps up once it has no refresh token to try first [mcp-2025-11-scope-challenge]', async () => {
    const program = await start()
    const { memory } = program
    const { client, transport } = await program.connect()
    await expect(client.callTool(writeFile)).rejects.toThrow(StreamableHTTPError)
    expect(memory.visits).toHaveLength(1)
    await client.callTool(listFiles)
    dropRefreshToken(program)
    await expect(client.callTool(writeFile)).rejects.toThrow(UnauthorizedError)
    expect(memory.visits.at(-1)?.scopes).toEqual(['files:read', 'files:write'])
    await transport.finishAuth(callbackOf(memory).get('code') ?? '')
    expect(textOf(await client.callTool(writeFile))).toContain('Wrote conformance.txt')
    await client.close()
  })

  it('refreshes when its access token is refused, without its person [rfc6750-3.1-invalid-token]', async () => {
    const { memory, connect } = await start()
    const { client } = await connect()
    const before = spoilAccessToken(memory)
    expect(textOf(await client.callTool(listFiles))).toContain('welcome.md')
    expect(memory.tokens?.refresh_token).not.toBe(before.refresh_token)
    expect(memory.visits).toHaveLength(1)
    await client.close()
  })

  it('has to ask its person again once it was revoked [rfc7009-2.1-immediately]', async () => {
    const { memory, connect } = await start()
    const { client } = await connect()
    await revokeConnection(memory)
    memory.decision = { decision: 'deny' }
    await expect(client.callTool(listFiles)).rejects.toThrow(UnauthorizedError)
    expect(memory.visits.at(-1)?.landed.searchParams.get('error')).toBe('access_denied')
    await client.close()
  })

  it.each(['metadata_document', 'dynamic'] as const)(
    'goes the whole way from nothing but the URL [mcp-2025-11-cimd] [mcp-2025-06-dcr] (%s)',
    async (kind) => {
      const program = await start(kind)
      const { identity, memory, wire } = program
      const { client, transport } = await program.connect()
      const registrations = wire.filter((line) => line.includes('/register'))
      expect(registrations).toEqual(kind === 'dynamic' ? ['POST /register 201'] : [])
      expect(memory.client?.client_id).toMatch(identity.kind === 'metadata_document' ? identity.url : /^dcr_/)
      expect(memory.visits[0]?.consentText).toContain(proofShown(identity))
      expect(textOf(await client.callTool(listFiles))).toContain('welcome.md')

      spoilAccessToken(memory)
      expect(textOf(await client.callTool(listFiles))).toContain('welcome.md')
      expect(memory.visits).toHaveLength(1)

      dropRefreshToken(program)
      await expect(client.callTool(writeFile)).rejects.toThrow(UnauthorizedError)
      await transport.finishAuth(callbackOf(memory).get('code') ?? '')
      expect(textOf(await client.callTool(writeFile))).toContain('Wrote conformance.txt')

      await revokeConnection(memory)
      memory.decision = { decision: 'deny' }
      await expect(client.callTool(listFiles)).rejects.toThrow(UnauthorizedError)
      expect(memory.visits.at(-1)?.landed.searchParams.get('error')).toBe('access_denied')
      await client.close()
    },
  )
})
