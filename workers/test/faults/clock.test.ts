import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type OwnServer, registerOwnServer } from '../../bench/visitor.ts'
import { openStrangeHost, type StrangeHost } from '../workerd/strange-host.ts'
import { type FaultPlace, startFaultPlace } from './fault-place.ts'
import { connect, isActive, tokensIn, walk } from './journey.ts'
import { publishKeyedClient } from './keyed-client.ts'

let place: FaultPlace
let server: OwnServer
let host: StrangeHost

beforeAll(async () => {
  place = await startFaultPlace({ variables: { DOCUMENTS_ALLOW_LOOPBACK: 'on' } })
  server = await registerOwnServer(place.issuer)
  host = await openStrangeHost()
})
afterAll(async () => {
  await place.close()
  await host.close()
})

/** Runs before the Worker's own code: its machine has another time than everybody else. */
const clockOff = (seconds: number): string => `{
  const Right = Date
  globalThis.Date = class extends Right {
    constructor(...given) { if (given.length > 0) super(...given); else super(Right.now() + ${seconds * 1000}) }
    static now() { return Right.now() + ${seconds * 1000} }
  }
}
`

const fiveMinutes = [
  ['ahead', 300],
  ['behind', -300],
] as const

describe.each(fiveMinutes)('the clock of the Worker, five minutes %s', (_where, seconds) => {
  beforeAll(() => place.restart({}, clockOff(seconds)))

  test('H15 [clock_off] decides nothing: what lives and what has ended is the database’s to say', async () => {
    const { first } = await walk({ place, server })
    const { iat, exp } = claimsOf(first.access_token)
    expect(Math.abs(Number(iat) - Date.now() / 1000)).toBeLessThan(60)
    expect(Number(exp) - Number(iat)).toBe(3600)
  })

  test('F14 [clock_off] refuses a client’s assertion and says whose time it is by; the code stays good for the right time', async () => {
    const { client_id, assert, exchange } = await publishKeyedClient(host, place.issuer)
    const traveller = { place, server, client_id }
    const connected = await connect(traveller)
    const refused = await exchange(connected, await assert(0))
    expect(refused.status).toBe(401)
    expect(JSON.parse(refused.html)).toMatchObject({ error: 'invalid_client' })
    expect(refused.html).toContain('by the clock of this server it is')
    const right = tokensIn(await exchange(connected, await assert(seconds)))
    expect(await isActive(traveller, right.access_token)).toBe(true)
  })
})

describe('the clock of a client', () => {
  beforeAll(() => place.restart({}, ''))

  test.each(fiveMinutes)(
    'F14 [clock_off] five minutes %s: refused, nothing is used up, and the right time works',
    async (_where, seconds) => {
      const { client_id, assert, exchange } = await publishKeyedClient(host, place.issuer)
      const connected = await connect({ place, server, client_id })
      const refused = await exchange(connected, await assert(seconds))
      expect([refused.status, JSON.parse(refused.html).error]).toEqual([401, 'invalid_client'])
      expect(refused.html).toContain('by the clock of this server it is')
      expect((await exchange(connected, await assert(0))).status).toBe(200)
    },
  )
})

function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}
