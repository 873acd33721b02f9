import type { FaultPlace } from '../test/faults/fault-place.ts'
import * as proxy from '../test/support/http-proxy.ts'
import type { FaultWindow, Ledger } from './ledger.ts'

/** What is made to fail, one after the other, between times in which all is well. */
type Fault = { readonly kind: string; readonly begin: (place: FaultPlace, ledger: Ledger) => Promise<void> | void }

const faults: readonly Fault[] = [
  { kind: 'the database hangs up', begin: ({ toSurface }) => toSurface.behave(proxy.hangUp) },
  { kind: 'the database never answers', begin: ({ toSurface }) => toSurface.behave(proxy.neverAnswer) },
  { kind: 'half an answer', begin: ({ toSurface }) => toSurface.behave(proxy.answerHalf) },
  { kind: 'a gateway answers', begin: ({ toSurface }) => toSurface.behave(proxy.answerWithGatewayPage) },
  { kind: 'answers to refreshes are lost', begin: loseRotations },
  { kind: 'PostgreSQL is gone', begin: leavePostgres },
]

/** What a client may simply send again, so that the counts stay exact: everything else would be spent unheard. */
function loseRotations({ toSurface }: FaultPlace, ledger: Ledger): void {
  toSurface.behave(async (passing) => {
    if (passing.request.url?.endsWith('/rotate_refresh_token') !== true) return proxy.pass(passing)
    const { body } = await passing.forward()
    if (/"outcome" ?: ?"(?:rotated|retried)"/.test(body.toString())) ledger.lostRotations += 1
    passing.request.socket.destroy()
  })
}

/** What is on its way is waited for first: a call whose answer a cut would take was done, and counted nowhere. */
async function leavePostgres({ toSurface, toPostgres }: FaultPlace): Promise<void> {
  toSurface.behave(proxy.hangUp)
  await toSurface.idle()
  toPostgres.cut()
  toSurface.behave(proxy.pass)
}

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export type Weather = { readonly calmMs: number; readonly faultMs: number }

/** Injects one fault after the other until `isOver`; the window of each closes once the server is ready again. */
export async function injectFaults(
  place: FaultPlace,
  ledger: Ledger,
  { calmMs, faultMs, isOver }: Weather & { readonly isOver: () => boolean },
): Promise<void> {
  for (let turn = 0; !isOver(); turn += 1) {
    await delay(calmMs)
    const fault = faults[turn % faults.length]
    if (fault === undefined || isOver()) return
    const window: FaultWindow = { kind: fault.kind, beginMs: performance.now(), endMs: Number.POSITIVE_INFINITY }
    ledger.windows.push(window)
    await fault.begin(place, ledger)
    await delay(faultMs)
    // Again, what is underway ends before its way does.
    place.toSurface.behave(proxy.hangUp)
    await place.toSurface.idle()
    place.toPostgres.mend()
    place.toSurface.behave(proxy.pass)
    await untilReady(place, ledger)
    window.endMs = performance.now()
  }
}

async function untilReady({ issuer }: FaultPlace, ledger: Ledger): Promise<void> {
  for (;;) {
    const response = await fetch(`${issuer}/ready`)
    await response.body?.cancel()
    if (response.ok) return
    ledger.injected += 1
  }
}
