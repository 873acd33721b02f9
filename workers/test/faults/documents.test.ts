import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OwnServer, registerOwnServer } from '../../bench/visitor.ts'
import { openStrangeHost, type StrangeHost } from '../workerd/strange-host.ts'
import { lineOf } from './expect-outage.ts'
import { type FaultPlace, hastyDocuments, startFaultPlace } from './fault-place.ts'
import { connect, isActive, type Seen, tokensIn, walk } from './journey.ts'
import { publishKeyedClient } from './keyed-client.ts'

let place: FaultPlace
let server: OwnServer
let host: StrangeHost

beforeAll(async () => {
  place = await startFaultPlace({ variables: { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS: hastyDocuments } })
  server = await registerOwnServer(place.issuer)
  host = await openStrangeHost()
})
afterAll(async () => {
  await place.close()
  await host.close()
})

const hang = () => host.behave(() => undefined)

test('E7 E19 [document_host_hangs] at the first page: a page with a reference, no redirect, and others are served meanwhile', async () => {
  const client = await publishKeyedClient(host, place.issuer)
  hang()
  const seen: Seen[] = []
  const around = async (step: string, send: () => Promise<Seen>) => {
    if (step !== 'authorize') return send()
    const stuck = send()
    await walk({ place, server })
    seen.push(await stuck)
    client.serve()
    // The failure is remembered for a second here; nobody is asked for anything meanwhile.
    await expect.poll(async () => (await send()).status).toBe(200)
    return send()
  }
  const connected = await connect({ place, server, client_id: client.client_id, around })
  const [refused] = seen
  const reference = refused?.headers.get('x-request-id') ?? '-'
  expect([refused?.status, refused?.leftTo, refused?.html.includes(reference)]).toEqual([400, null, true])
  expect(await lineOf(place, reference)).toMatchObject({
    reason: 'client_document_unavailable',
    event: 'document.fetch_failed',
    level: 'warn',
  })
  expect(connected.code).toMatch(/^mac_/)
})

test('INTEROP 4.6 [document_host_hangs] at the token endpoint: 503 and never invalid_client; the code waits', async () => {
  const client = await publishKeyedClient(host, place.issuer)
  const traveller = { place, server, client_id: client.client_id }
  const connected = await connect(traveller)
  hang()
  const refused = await client.exchange(connected, await client.assert())
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '60'])
  expect(JSON.parse(refused.html)).toMatchObject({ error: 'temporarily_unavailable' })
  client.serve()
  let last = refused
  const again = async () => {
    last = await client.exchange(connected, await client.assert())
    return last.status
  }
  await expect.poll(again).toBe(200)
  expect(await isActive(traveller, tokensIn(last).access_token)).toBe(true)
})
