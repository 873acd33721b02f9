import { createLru, type LruOptions } from '../crypto/lru.ts'
import type { AllowedUrl } from './document-url.ts'
import { type FetchedJson, type FetchSettings, fetchJson } from './fetch-document.ts'

/** How often one host may be called, and when to leave a failing one alone (THREATS E18). */
export type BudgetLimits = {
  readonly perHostPerMinute: number
  /** Failures in a row after which the host is left alone. */
  readonly failuresToBreak: number
  readonly breakSeconds: number
}

export type HostBudget = {
  /** Takes one call from the host's budget; false when there is none left, or the host is left alone. */
  take(host: string, nowSeconds: number): boolean
  report(host: string, nowSeconds: number, succeeded: 'succeeded' | 'failed'): void
}

type HostState = { windowStartSeconds: number; calls: number; failures: number; closedUntilSeconds: number }

const hostsRemembered: LruOptions = { maximumEntries: 2_000 }

/** A budget in this isolate's memory: the sieve against using us to flood, or to bill, a third party. */
export function createHostBudget(limits: BudgetLimits): HostBudget {
  const hosts = createLru<HostState>(hostsRemembered)
  const stateOf = (host: string, nowSeconds: number): HostState => {
    const known = hosts.get(host)
    if (known !== undefined) return known
    const fresh = { windowStartSeconds: nowSeconds, calls: 0, failures: 0, closedUntilSeconds: 0 }
    hosts.set(host, fresh)
    return fresh
  }
  return {
    take(host, nowSeconds) {
      const state = stateOf(host, nowSeconds)
      if (nowSeconds < state.closedUntilSeconds) return false
      if (nowSeconds - state.windowStartSeconds >= 60) {
        state.windowStartSeconds = nowSeconds
        state.calls = 0
      }
      if (state.calls >= limits.perHostPerMinute) return false
      state.calls += 1
      return true
    },
    report(host, nowSeconds, succeeded) {
      const state = stateOf(host, nowSeconds)
      state.failures = succeeded === 'succeeded' ? 0 : state.failures + 1
      if (state.failures < limits.failuresToBreak) return
      state.failures = 0
      state.closedUntilSeconds = nowSeconds + limits.breakSeconds
    },
  }
}

export type HostSettings = FetchSettings & {
  readonly budget: HostBudget
  readonly nowSeconds: () => number
  /** Absent: documents cannot be switched off (M12). */
  readonly isSwitchedOn?: () => Promise<boolean>
}

/** One call to a stranger's host, if its budget allows one; `spent` otherwise. */
export async function callHost(
  allowed: AllowedUrl,
  maximumBytes: number,
  settings: HostSettings,
): Promise<FetchedJson | { readonly outcome: 'spent'; readonly detail: string }> {
  const { host } = allowed.url
  const { budget, nowSeconds, isSwitchedOn } = settings
  if (isSwitchedOn !== undefined && !(await isSwitchedOn())) {
    return { outcome: 'spent', detail: 'documents are switched off on this server' }
  }
  if (!budget.take(host, nowSeconds())) return { outcome: 'spent', detail: 'the budget of calls to this host is spent' }
  const fetched = await fetchJson(allowed, maximumBytes, settings)
  const hasFailed = fetched.outcome === 'unavailable' && !fetched.hostWorks
  budget.report(host, nowSeconds(), hasFailed ? 'failed' : 'succeeded')
  return fetched
}
