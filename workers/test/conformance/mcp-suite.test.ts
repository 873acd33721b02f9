import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { meetPerson } from '../support/person.ts'
import { type Door, openBearerDoor } from './bearer-door.ts'
import { type DocumentHost, hostDocuments } from './document-host.ts'
import { listScenarios, runSuite, type Scenario } from './mcp-suite.ts'
import { excused, lacksFeature, revisions, succeeding } from './mcp-suite-expectations.ts'
import { at, place } from './place.ts'
import { clientId, connect } from './program.ts'
import { requirements } from './requirements.ts'

let browser: Browser
let documents: DocumentHost
let door: Door
beforeAll(async () => {
  browser = await launchChromium()
  documents = await hostDocuments()
  const { access_token } = await connect({ scope: 'files:read files:write' }, { server: place.example })
  door = await openBearerDoor(new URL(place.exampleUrl), access_token)
})
afterAll(async () => {
  await browser.close()
  await documents.close()
  await door.close()
})

const metadata = {
  client_name: 'Conformance suite',
  redirect_uris: ['http://127.0.0.1/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
}

const clients = {
  'a pre-registered id': async () => clientId,
  'a registration': async () => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(at('/register'), { method: 'POST', headers, body: JSON.stringify(metadata) })
    return String(((await response.json()) as Record<string, unknown>).client_id)
  },
  'a metadata document': async () => documents.publish('client.json', (client_id) => ({ client_id, ...metadata })),
} as const

/** Each way of being known in the revision that brought it, and all of them in the newest. */
const journeys = [
  ['2025-03-26', 'a registration'],
  ['2025-06-18', 'a pre-registered id'],
  ['2025-11-25', 'a metadata document'],
  ['2026-07-28', 'a registration'],
  ['2026-07-28', 'a pre-registered id'],
  ['2026-07-28', 'a metadata document'],
] as const

/** A scenario has half a minute by itself, which is little on a busy machine. */
const patiently = ['server', '--timeout', '100000']

const approve = async (link: URL) => (await meetPerson(browser, place)).authorize(link, { decision: 'approve' })

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.concurrent('the official conformance suite', () => {
  it('has nothing about authorization that is not run here [mcp-2026-07-oauth21]', async () => {
    const scenarios = await listScenarios()
    const known = new Set(scenarios.flatMap((scenario) => scenario.revisions))
    expect([...known].filter((revision) => revision !== 'extension').sort()).toEqual(revisions)
    const named = (tests: Scenario['tests']) => scenarios.filter((one) => one.tests === tests).map(({ name }) => name)
    expect(named('authorization')).toEqual(['authorization-server-metadata-endpoint', 'authorization-code-grant'])
    // Its server scenarios carry no token: all of them are run, through a door that adds one.
    expect(named('server').filter((name) => /auth|token|scope|bearer|challenge/.test(name))).toEqual([])
  })

  it.for(journeys)(
    'accepts the authorization server at revision %s, the client known by %s [rfc8414-3.3-issuer] [mcp-2026-07-discovery] [mcp-2026-07-cimd] [rfc9207-2-identical] [rfc6749-5.1-answer] [rfc6749-5.1-no-store]',
    async ([revision, way]) => {
      const server = ['--url', place.issuer, '--resource', place.exampleUrl, '--spec-version', revision]
      const client = ['--client-id', await clients[way](), '--port', String(await freePort())]
      const checks = await runSuite(['authorization', ...server, ...client], approve)
      const documents = revision >= '2025-11-25' ? ['authorization-server-metadata-cimd'] : []
      expect(checks.map(({ id, status }) => [id, status]).sort()).toEqual(
        ['authorization-code-grant', 'authorization-server-metadata', ...documents].map((id) => [id, 'SUCCESS']),
      )
    },
  )

  it.for(revisions)(
    'finds nothing of an MCP server spoilt by the door before it, at revision %s [mcp-2025-06-client-flow] [mcp-2026-07-client-flow]',
    async (revision) => {
      const checks = await runSuite([...patiently, '--url', door.url, '--suite', 'all', '--spec-version', revision])
      const unfinished = checks.filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO')
      const surprising = unfinished.filter(({ errorMessage = '' }) => !lacksFeature.test(errorMessage))
      const reasons = excused[revision]
      expect(surprising.map(({ id }) => id).sort()).toEqual(Object.values(reasons).flat().sort())
      const gaps = requirements.filter(({ id, gap }) => gap !== undefined && Object.hasOwn(reasons, id))
      expect(gaps).toHaveLength(Object.keys(reasons).length)

      const succeeded = checks.filter(({ status }) => status === 'SUCCESS')
      const counts = Object.groupBy(succeeded, ({ scenario }) => scenario)
      const scenarios = Object.keys(succeeding[revision])
      expect(Object.fromEntries(scenarios.map((name) => [name, counts[name]?.length]))).toEqual(succeeding[revision])
    },
  )
})
