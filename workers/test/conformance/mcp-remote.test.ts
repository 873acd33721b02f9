import type { Client } from '@modelcontextprotocol/client'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { decodeJwt } from 'jose'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { type Desktop, openDesktop } from '../support/desktop.ts'
import { meetPerson } from '../support/person.ts'
import { type DocumentHost, hostDocuments } from './document-host.ts'
import { changeTokens, estrange, readClientId, readTokens, startHost } from './mcp-remote-program.ts'
import { place } from './place.ts'
import { otherClientId, post } from './program.ts'

let browser: Browser
let documents: DocumentHost
beforeAll(async () => {
  browser = await launchChromium()
  documents = await hostDocuments()
})
afterAll(async () => {
  await browser.close()
  await documents.close()
})

type Way = {
  readonly name: string
  /** The flags that tell mcp-remote who it is. */
  readonly flags: () => readonly string[]
  /** What the person is told about it. */
  readonly proof: () => string
}

const publishItself = () =>
  documents.publish('client.json', (client_id) => ({
    client_id,
    client_name: 'mcp-remote',
    redirect_uris: ['http://localhost/oauth/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  }))

const registering: Way = {
  name: 'its own registration',
  flags: () => [],
  proof: () => 'MCP CLI Proxyname not verified',
}

const ways: readonly Way[] = [
  registering,
  {
    name: 'the id that ships for it',
    flags: () => ['--static-oauth-client-info', JSON.stringify({ client_id: otherClientId })],
    proof: () => `registered with ${new URL(place.issuer).host}`,
  },
  {
    name: 'a metadata document, at the newest revision',
    flags: () => ['--client-metadata-url', publishItself(), '--protocol', 'auto'],
    proof: () => 'mcp-remotepublished by localhost:',
  },
]

async function start(way: Way) {
  const desktop = await openDesktop(await meetPerson(browser, place))
  const settings = { port: await freePort(), flags: way.flags() }
  const open = async () => {
    const { client, connected } = startHost(desktop, settings)
    await connected
    return client
  }
  return { desktop, settings, open }
}

const textOf = (result: object) => JSON.stringify(result)
const listFiles = (client: Client) => client.callTool({ name: 'list_files', arguments: {} })
const writeFile = (client: Client) =>
  client.callTool({ name: 'write_file', arguments: { name: 'conformance.txt', text: 'Written by a test.' } })

/** The person's connection ends. The example may remember the access token for half a minute, so that one dies as well. */
async function revoke(desktop: Desktop): Promise<void> {
  const { access_token, refresh_token } = await readTokens(desktop)
  await post('/revoke', { token: refresh_token, client_id: String(decodeJwt(access_token).client_id) })
  await changeTokens(desktop, { access_token: `${access_token.slice(0, -6)}AAAAAA` })
}

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.concurrent('mcp-remote', () => {
  it.for(ways)(
    'goes the whole way from nothing but the URL [mcp-2025-11-client-flow] [mcp-2025-06-dcr] [mcp-2026-07-cimd] [mcp-2026-07-client-step-up] [rfc8252-7.3-any-port] (by $name)',
    async (way, { onTestFinished }) => {
      const { desktop, open } = await start(way)
      onTestFinished(desktop.close)
      const first = await open()
      expect(desktop.visits.map(({ pages, scopes }) => [pages, scopes])).toEqual([
        [['sign_in', 'code', 'consent'], ['files:read']],
      ])
      expect(desktop.visits[0]?.consentText).toContain(way.proof())
      expect(textOf(await listFiles(first))).toContain('welcome.md')
      expect(textOf(await desktop.during(writeFile(first)))).toContain('Wrote conformance.txt')
      expect(desktop.visits[1]).toMatchObject({ pages: ['consent'], scopes: ['files:read', 'files:write'] })
      await first.close()

      const second = await open()
      expect(textOf(await listFiles(second))).toContain('welcome.md')
      await second.close()

      const before = await readTokens(desktop)
      await changeTokens(desktop, { expires_at: 1 })
      const third = await open()
      expect(textOf(await writeFile(third))).toContain('Wrote conformance.txt')
      await third.close()
      expect((await readTokens(desktop)).refresh_token).not.toBe(before.refresh_token)
      expect(desktop.visits).toHaveLength(2)

      await revoke(desktop)
      desktop.decide({ decision: 'deny' })
      await expect(open()).rejects.toThrow('Authorization failed: access_denied - The person denied the request')
      expect(desktop.visits).toHaveLength(3)
    },
  )

  it('is told before its person that its registration is unknown, and makes another [rfc6749-4.1.2.1-unknown-client]', async ({
    onTestFinished,
  }) => {
    const { desktop, settings, open } = await start(registering)
    onTestFinished(desktop.close)
    await (await open()).close()
    const unknown = await estrange(desktop)
    // It (0.15.1) registers anew at once, but takes itself for busy: it shows the link at its next start.
    const busy = startHost(desktop, settings)
    busy.connected.catch(() => undefined)
    await vi.waitFor(async () => expect(await readClientId(desktop)).not.toBe(unknown), { timeout: 60_000 })
    await busy.client.close()
    expect(desktop.visits).toHaveLength(1)
    const again = await open()
    expect(textOf(await listFiles(again))).toContain('welcome.md')
    await again.close()
    expect(desktop.visits.map(({ pages }) => pages)).toEqual([['sign_in', 'code', 'consent'], ['consent']])
  })
})
