import {
  Client,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
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

type Mode = 'auto' | 'legacy'

/** A program that knows nothing but the MCP URL, and who it is itself. */
async function start(mode: Mode, kind: Identity['kind'] = 'pre_registered') {
  const person = await meetPerson(browser, place)
  const identity = identify(kind, documents, callback.redirectUri)
  const { memory, provider } = createProgram<StoredOAuthTokens>(person, callback.redirectUri, identity)
  const { wire, fetch } = recordFetch()
  const open = async () => {
    const client = new Client({ name: 'conformance', version: '1' }, { versionNegotiation: { mode } })
    const transport = new StreamableHTTPClientTransport(new URL(place.exampleUrl), { authProvider: provider, fetch })
    return { client, transport }
  }
  const connect = async () => {
    const first = await open()
    await expect(first.client.connect(first.transport)).rejects.toThrow(UnauthorizedError)
    await first.transport.finishAuth(callbackOf(memory))
    const second = await open()
    await second.client.connect(second.transport)
    return second
  }
  return { identity, memory, wire, connect }
}

const textOf = (result: { content: unknown }) => JSON.stringify(result.content)
const listFiles = { name: 'list_files', arguments: {} }
const writeFile = { name: 'write_file', arguments: { name: 'conformance.txt', text: 'Written by a test.' } }

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.concurrent('@modelcontextprotocol/client 2.x', () => {
  it.each(['auto', 'legacy'] as const)(
    'gets from the bare URL to a tool call [mcp-2026-07-client-flow] [mcp-2026-07-client-iss] (%s)',
    async (mode) => {
      const { memory, wire, connect } = await start(mode)
      const { client } = await connect()
      const path = new URL(place.exampleUrl).pathname
      expect(wire).toEqual(
        expect.arrayContaining([`POST ${path} 401`, `GET /.well-known/oauth-protected-resource${path} 200`]),
      )
      expect(wire).toEqual(
        expect.arrayContaining(['GET /.well-known/oauth-authorization-server 200', 'POST /token 200']),
      )
      expect(memory.visits.map(({ pages }) => pages)).toEqual([['sign_in', 'code', 'consent']])
      expect(memory.visits[0]?.scopes).toEqual(['files:read'])
      expect(client.getNegotiatedProtocolVersion()).toBe(mode === 'auto' ? '2026-07-28' : '2025-11-25')
      expect(textOf(await client.callTool(listFiles))).toContain('welcome.md')
      await client.close()
    },
  )

  it('steps up to files:write after a 403 [mcp-2026-07-client-step-up]', async () => {
    const { memory, wire, connect } = await start('auto')
    const { client, transport } = await connect()
    await expect(client.callTool(writeFile)).rejects.toThrow(UnauthorizedError)
    expect(wire.at(-1)).not.toContain('/token')
    const stepUp = memory.visits.at(-1)
    expect(stepUp?.pages).toEqual(['consent'])
    expect(stepUp?.scopes).toEqual(['files:read', 'files:write'])
    await transport.finishAuth(callbackOf(memory))
    expect(memory.tokens?.scope?.split(' ')).toEqual(expect.arrayContaining(['files:read', 'files:write']))
    expect(textOf(await client.callTool(writeFile))).toContain('Wrote conformance.txt')
    await client.close()
  })

  it('refreshes when its access token is refused, without its person [rfc6750-3.1-invalid-token]', async () => {
    const { memory, connect } = await start('auto')
    const { client } = await connect()
    const before = spoilAccessToken(memory)
    expect(textOf(await client.callTool(listFiles))).toContain('welcome.md')
    expect(memory.tokens?.refresh_token).not.toBe(before.refresh_token)
    expect(memory.visits).toHaveLength(1)
    await client.close()
  })

  it('has to ask its person again once it was revoked [rfc7009-2.1-immediately]', async () => {
    const { memory, connect } = await start('auto')
    const { client } = await connect()
    await revokeConnection(memory)
    memory.decision = { decision: 'deny' }
    await expect(client.callTool(listFiles)).rejects.toThrow(UnauthorizedError)
    expect(memory.tokens).toBeUndefined()
    expect(memory.visits.at(-1)?.landed.searchParams.get('error')).toBe('access_denied')
    await client.close()
  })

  it.each(['metadata_document', 'dynamic'] as const)(
    'goes the whole way from nothing but the URL [mcp-2026-07-cimd] [mcp-2026-07-cimd-fetch] [mcp-2026-07-dcr] (%s)',
    async (kind) => {
      const { identity, memory, wire, connect } = await start('auto', kind)
      const { client, transport } = await connect()
      const registrations = wire.filter((line) => line.includes('/register'))
      expect(registrations).toEqual(kind === 'dynamic' ? ['POST /register 201'] : [])
      expect(memory.client?.client_id).toMatch(identity.kind === 'metadata_document' ? identity.url : /^dcr_/)
      expect(memory.visits[0]?.consentText).toContain(proofShown(identity))
      expect(textOf(await client.callTool(listFiles))).toContain('welcome.md')

      await expect(client.callTool(writeFile)).rejects.toThrow(UnauthorizedError)
      await transport.finishAuth(callbackOf(memory))
      expect(textOf(await client.callTool(writeFile))).toContain('Wrote conformance.txt')

      spoilAccessToken(memory)
      expect(textOf(await client.callTool(listFiles))).toContain('welcome.md')
      expect(memory.visits).toHaveLength(2)

      await revokeConnection(memory)
      memory.decision = { decision: 'deny' }
      await expect(client.callTool(listFiles)).rejects.toThrow(UnauthorizedError)
      expect(memory.visits.at(-1)?.landed.searchParams.get('error')).toBe('access_denied')
      await client.close()
    },
  )
})
