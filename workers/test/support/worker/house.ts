import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { createApp } from '../../../src/app.ts'
import { parseConfig } from '../../../src/config.ts'
import { chooseDependencies, type Dependencies } from '../../../src/dependencies.ts'
import type { LogLine } from '../../../src/http/log.ts'
import { chooseNetwork, type Network } from '../../../src/network.ts'
import { type Store, StoreUnavailable, withCallHook } from '../../../src/store/client.ts'
import { patientLimits } from '../patient-limits.ts'

export type Sending = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: BodyInit
}

export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined when it is none. */
  readonly json: Readonly<Record<string, unknown>> | undefined
}

/** A Worker of a test's own, over the common database, whose log and database calls can be seen. */
export type House = {
  readonly issuer: string
  readonly dependencies: Dependencies
  readonly send: (path: string, sending?: Sending) => Promise<Answer>
  readonly lines: LogLine[]
  /** Names of the SQL functions called, in order. */
  readonly calls: string[]
}

export type HouseOptions = {
  readonly variables?: Readonly<Record<string, string>>
  /** Bindings that are no variables, such as a rate limit. */
  readonly bindings?: Readonly<Record<string, unknown>>
  readonly dependencies?: Partial<Dependencies>
  /** How others are reached, for hosts that no test can really run. */
  readonly network?: Partial<Network>
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

export function openHouse({
  variables = {},
  bindings = {},
  dependencies = {},
  network = {},
}: HouseOptions = {}): House {
  const config = parseConfig({ ...env, ...variables, LIMITS: patientLimits(variables.LIMITS, 'database_milliseconds') })
  const lines: LogLine[] = []
  const calls: string[] = []
  const write = (line: LogLine) => void lines.push(line)
  const outlets = { write, dataset: bindings.METRICS }
  const chosen = {
    ...chooseDependencies(config, { ...chooseNetwork(bindings), ...network }, outlets),
    ...dependencies,
  }
  const store = withCallHook(chosen.store, (name) => void calls.push(name))
  const app = createApp({ ...chosen, store })
  return {
    issuer: config.issuer,
    dependencies: { ...chosen, store },
    lines,
    calls,
    send: async (path, sending = {}) => {
      const request = new Request(new URL(path, config.issuer), { redirect: 'manual', ...sending })
      const context = createExecutionContext()
      const response = await app.fetch(request, bindings, context)
      // Whatever the type says it is.
      const text = new TextDecoder().decode(await response.arrayBuffer())
      await waitOnExecutionContext(context)
      return { status: response.status, headers: response.headers, text, json: jsonOf(text) }
    },
  }
}

/** A database that is down, and says so in words that nobody outside may read. */
export const brokenStore: Store = {
  call: (name) =>
    Promise.reject(
      new StoreUnavailable(`${name} failed`, { cause: { message: 'relation "mcp_data.secret" does not exist' } }),
    ),
}

/** A database that must not be asked. */
export const silentStore: Store = {
  call: (name) => Promise.reject(new Error(`${name} was called`)),
}
