import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OwnServer, registerOwnServer } from '../../bench/visitor.ts'
import * as proxy from '../support/http-proxy.ts'
import { expectOutage } from './expect-outage.ts'
import { type FaultPlace, startFaultPlace } from './fault-place.ts'
import { connect, exchangeOf, isActive, refreshOf, type Seen, type StepName, tokensIn, walk } from './journey.ts'

// The hardest fault: the database has done it, and nobody heard. What can be asked for again gives the same; what may happen
// once only is lost whole, never in halves.

let place: FaultPlace
let server: OwnServer

beforeAll(async () => {
  place = await startFaultPlace()
  server = await registerOwnServer(place.issuer)
})
afterAll(() => place.close())

/** Sends a request that is done and whose answer is lost, and the same once more. */
async function twice(step: StepName, send: () => Promise<Seen>): Promise<Seen> {
  place.toSurface.behave(proxy.loseAnswer)
  const first = await send()
  place.toSurface.behave(proxy.pass)
  await expectOutage(place, step, first)
  return send()
}

/** Loses the answer to this step of connecting, and gives what the second try saw. */
async function losing(lost: StepName): Promise<Seen> {
  const seen: Seen[] = []
  const around = async (step: StepName, send: () => Promise<Seen>) => {
    if (step !== lost) return send()
    const again = await twice(step, send)
    seen.push(again)
    return again
  }
  await expect(connect({ place, server, around })).rejects.toThrow(`${lost} answered 400`)
  const [again] = seen
  if (again === undefined) throw new Error(`${lost} was never reached`)
  return again
}

async function newest(columns: string): Promise<Record<string, unknown> | undefined> {
  const rows = await place.query(`select ${columns} from mcp_data.connections order by created_at desc limit 1`)
  return rows[0]
}

const repeatable: readonly StepName[] = ['authorize', 'sign-in', 'introspect', 'userinfo', 'revoke']

test('[answer_lost] what may be asked for again: the second try is the first that counts', async () => {
  await walk({ place, server, around: (step, send) => (repeatable.includes(step) ? twice(step, send) : send()) })
})

test('G3 [answer_lost] of a refresh: the retry gets the successor that was stored, and one generation has passed', async () => {
  const traveller = { place, server }
  const connected = await connect(traveller)
  const { refresh_token } = tokensIn(await exchangeOf(traveller, connected)())
  const second = tokensIn(await twice('refresh', refreshOf(traveller, connected, refresh_token)))
  expect(await newest('generation, retries, revoked_at')).toEqual({ generation: 2, retries: 1, revoked_at: null })
  expect((await refreshOf(traveller, connected, second.refresh_token)()).status).toBe(200)
})

test('F3 [answer_lost] of an exchange: the code is spent, its connection ends at the second try, and a new one can be made', async () => {
  const traveller = { place, server }
  const again = await twice('exchange', exchangeOf(traveller, await connect(traveller)))
  expect([again.status, JSON.parse(again.html).error]).toEqual([400, 'invalid_grant'])
  expect(await newest('revoked_reason')).toEqual({ revoked_reason: 'code_replayed' })
  await walk(traveller)
})

test('[answer_lost] of a decision: a page says that it was taken, no code is out, and a new authorization works', async () => {
  const again = await losing('consent')
  expect([again.leftTo, again.html.includes('transaction_decided')]).toEqual([null, true])
  expect(await newest('code_redeemed_at, generation')).toEqual({ code_redeemed_at: null, generation: 0 })
  await walk({ place, server })
})

test('[answer_lost] of a sign-in code: it is spent, the session is nobody’s, and a new code signs in', async () => {
  const again = await losing('sign-in code')
  expect(again.headers.getSetCookie().filter((cookie) => cookie.includes('session='))).toEqual([])
  expect(again.html).toMatch(/href="\/sign-in\b/)
  const traveller = { place, server }
  const { access_token } = tokensIn(await exchangeOf(traveller, await connect(traveller))())
  expect(await isActive(traveller, access_token)).toBe(true)
})
