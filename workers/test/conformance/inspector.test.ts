import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { decodeJwt } from 'jose'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { openDesktop } from '../support/desktop.ts'
import { meetPerson } from '../support/person.ts'
import { type DocumentHost, hostDocuments } from './document-host.ts'
import { inspect, letItRevoke, storedTokens } from './inspector-program.ts'
import { place } from './place.ts'
import { connect, otherClientId, refresh } from './program.ts'

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
  /** The flags that tell the Inspector who it is. */
  readonly flags: () => readonly string[]
  /** What the person is told about it. */
  readonly proof: () => string
  /** What it asks for at first, and what of that the person does not allow. */
  readonly asks: readonly string[]
  readonly untick: readonly string[]
  /** It follows a 403 only where it was told who it is; with its own registration it refreshes and gives up. */
  readonly stepsUp: boolean
}

const publishItself = () =>
  documents.publish('client.json', (client_id) => ({
    client_id,
    client_name: 'Inspector',
    redirect_uris: ['http://127.0.0.1/oauth/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  }))

const ways: readonly Way[] = [
  {
    name: 'its own registration',
    flags: () => [],
    proof: () => 'MCP Inspectorname not verified',
    asks: ['files:read', 'files:write', 'files:delete'],
    untick: [],
    stepsUp: false,
  },
  {
    name: 'a pre-registered id',
    flags: () => ['--client-id', otherClientId],
    proof: () => `registered with ${new URL(place.issuer).host}`,
    asks: ['files:read', 'files:write', 'files:delete'],
    untick: ['files:write', 'files:delete'],
    stepsUp: true,
  },
  {
    name: 'a metadata document, at the newest revision',
    flags: () => ['--client-metadata-url', publishItself(), '--protocol-era', 'modern'],
    proof: () => 'Inspectorpublished by localhost:',
    asks: ['files:read'],
    untick: [],
    stepsUp: true,
  },
]

const listFiles = ['--method', 'tools/call', '--tool-name', 'list_files']
const content = JSON.stringify({ name: 'conformance.txt', text: 'Written by a test.' })
const writeFile = ['--method', 'tools/call', '--tool-name', 'write_file', '--tool-args-json', content]

async function start({ flags, untick }: Pick<Way, 'flags' | 'untick'>) {
  const desktop = await openDesktop(await meetPerson(browser, place))
  desktop.decide({ decision: 'approve', untick })
  const common = ['--callback-url', `http://127.0.0.1:${await freePort()}/oauth/callback`, ...flags()]
  const run = (more: readonly string[], input?: string) => inspect(desktop, [...common, ...more], input)
  return { desktop, run }
}

const succeeded = (text: string) => ({ code: 0, output: expect.stringContaining(text) })

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.concurrent('@modelcontextprotocol/inspector on the command line', () => {
  it.for(ways)(
    'goes the whole way from nothing but the URL [mcp-2025-11-client-flow] [mcp-2026-07-client-flow] [mcp-2025-06-dcr] [mcp-2026-07-cimd] [rfc7009-2.1-refresh] (by $name)',
    async (way, { onTestFinished }) => {
      const { desktop, run } = await start(way)
      onTestFinished(desktop.close)
      expect(await run(listFiles)).toMatchObject(succeeded('welcome.md'))
      expect(desktop.visits).toMatchObject([{ pages: ['sign_in', 'code', 'consent'], scopes: way.asks }])
      expect(desktop.visits[0]?.consentText).toContain(way.proof())

      desktop.decide({ decision: 'approve' })
      expect(await run(writeFile, 'y\n')).toMatchObject(succeeded('Wrote conformance.txt'))
      const stepUp = { pages: ['consent'], scopes: ['files:read', 'files:write'] }
      expect(desktop.visits.slice(1)).toMatchObject(way.stepsUp ? [stepUp] : [])

      const before = await storedTokens(desktop)
      await storedTokens(desktop, { access_token: `${before.access_token.slice(0, -6)}AAAAAA` })
      expect(await run([...listFiles, '--stored-auth-only'])).toMatchObject(succeeded('welcome.md'))
      const after = await storedTokens(desktop)
      expect(after.refresh_token).not.toBe(before.refresh_token)

      await letItRevoke(desktop)
      desktop.decide({ decision: 'deny' })
      const again = await run([...listFiles, '--relogin'])
      expect(again).toMatchObject({ code: 1, said: expect.stringContaining('The person denied the request') })
      // It revoked what it had, and then asked anew.
      const client_id = String(decodeJwt(after.access_token).client_id)
      const { body } = await refresh(after.refresh_token, { client_id })
      expect([body.error, body.error_uri]).toEqual(['invalid_grant', expect.stringContaining('revoked')])
    },
  )

  it('takes a token by header, and asks nobody [rfc6750-2.1-header]', async ({ onTestFinished }) => {
    const { desktop, run } = await start({ flags: () => [], untick: [] })
    onTestFinished(desktop.close)
    const { access_token } = await connect({ scope: 'files:read' }, { server: place.example })
    const header = ['--header', `Authorization: Bearer ${access_token}`]
    expect(await run([...listFiles, ...header])).toMatchObject(succeeded('welcome.md'))
    expect(desktop.visits).toEqual([])
  })
})
