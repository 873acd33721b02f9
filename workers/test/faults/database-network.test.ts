import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OwnServer, registerOwnServer } from '../../bench/visitor.ts'
import * as proxy from '../support/http-proxy.ts'
import { struckAtEachStep } from './expect-outage.ts'
import { type FaultPlace, startFaultPlace } from './fault-place.ts'
import { type StepName, walk } from './journey.ts'

let place: FaultPlace
let server: OwnServer

beforeAll(async () => {
  // Shorter than 5 s for the sake of those who wait, and long enough for a real answer on a busy machine.
  place = await startFaultPlace({ variables: { LIMITS: '{"database_milliseconds":4000}' } })
  server = await registerOwnServer(place.issuer)
})
afterAll(() => place.close())

/** The events of the newest connection, each with how often it was written. */
async function eventsOfNewest(): Promise<Record<string, number>> {
  const text = `select event, count(*)::integer as times from mcp_data.audit_events where connection_id =
    (select connection_id from mcp_data.connections order by created_at desc limit 1) and event <> 'refresh.rotated' group by 1`
  const rows = await place.query(text)
  return Object.fromEntries(rows.map(({ event, times }) => [String(event), Number(times)]))
}

async function connections(): Promise<number> {
  const [row] = await place.query('select count(*)::integer as n from mcp_data.connections')
  return Number(row?.n)
}

const oneOfEach = { 'consent.granted': 1, 'authorization_code.redeemed': 1, 'connection.revoked': 1 }

test.each([
  ['database_hangs_up', 'ends every connection', proxy.hangUp],
  ['database_half_body', 'ends in the middle of its answer', proxy.answerHalf],
  ['database_gateway', 'is behind a gateway that answers 502', proxy.answerWithGatewayPage],
  ['database_gateway', 'is behind a gateway that answers 200 with HTML', proxy.answerWithHtml],
] as const)(
  'H16 F24 [%s] a database that %s: every step answers 503 once, goes through at the next try, and counts once',
  async (_id, _what, behaviour) => {
    const before = await connections()
    const begin = () => place.toSurface.behave(behaviour)
    const end = () => {
      // No storm: a failed call is not made again by itself (ARCHITECTURE decision 13).
      expect(place.toSurface.seen()).toBe(1)
      place.toSurface.behave(proxy.pass)
    }
    await walk({ place, server, around: struckAtEachStep(place, begin, end) })
    expect(await connections()).toBe(before + 1)
    expect(await eventsOfNewest()).toEqual(oneOfEach)
  },
)

test('H16 [database_gone] nobody listens where the database was: the same, and it is found again without a restart', async () => {
  const { leave, comeBack } = place.toSurface
  await walk({ place, server, around: struckAtEachStep(place, leave, comeBack) })
  expect(await eventsOfNewest()).toEqual(oneOfEach)
})

/** Where waiting for the time to run out is worth it: what is made, what is decided, and what can be done once only. */
const longSteps: readonly StepName[] = ['authorize', 'consent', 'exchange', 'refresh']

test.each([
  ['database_half_open', 'accepts and never answers', proxy.neverAnswer, longSteps],
  ['database_half_body', 'stops in the middle of its answer and stays', proxy.stallHalfWay, ['exchange']],
] as const)(
  'H16 [%s] a database that %s: given up in time, and the next try counts once',
  async (_id, _what, behaviour, steps: readonly StepName[]) => {
    const begin = () => place.toSurface.behave(behaviour)
    const end = () => place.toSurface.behave(proxy.pass)
    const strike = struckAtEachStep(place, begin, end)
    await walk({ place, server, around: (step, send) => (steps.includes(step) ? strike(step, send) : send()) })
    expect(await eventsOfNewest()).toEqual(oneOfEach)
  },
)
