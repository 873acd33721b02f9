import type { Store } from './store/client.ts'
import { readSwitches } from './store/maintenance.ts'

/** What operators can switch off without a deployment (M12). E-mail sign-in is looked at by the calls that decide about it. */
export type Switches = { readonly registration: boolean; readonly documents: boolean }

export type ReadSwitches = () => Promise<Switches>

/** How long an isolate goes by what it has read: the longest that a switch takes, and the most that a flood costs. */
const rememberedMs = 10_000

/**
 * Reads the switches with about one database call in ten seconds, so that neither registration nor a fetched document has a
 * call of its own.
 * @throws StoreUnavailable: what cannot be known to be on is not done
 */
export function createSwitches(store: Store, clock: () => number): ReadSwitches {
  let known: { readonly switches: Switches; readonly untilMs: number } | undefined
  return async () => {
    if (known !== undefined && clock() < known.untilMs) return known.switches
    const { registration, documents } = await readSwitches(store)
    known = { switches: { registration, documents }, untilMs: clock() + rememberedMs }
    return known.switches
  }
}
