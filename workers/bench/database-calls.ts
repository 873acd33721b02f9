/** Asks the Worker's own log how many database calls one request of each kind makes. */
import { startLoad } from './measure.ts'
import type { Scenario } from './scenarios.ts'
import type { Workerd } from './workerd.ts'

/** Log lines arrive through a pipe, a moment after the answer. */
async function nextLogLine(server: Workerd, since: string | undefined): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const line = server.recentLog().at(-1)
    if (line !== undefined && line !== since) return line
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('the Worker logged no line for a request')
}

export async function countDatabaseCalls(
  scenarios: readonly Scenario[],
  server: Workerd,
): Promise<Record<string, number>> {
  const load = startLoad()
  const counts: Record<string, number> = {}
  try {
    for (const { name, port, expect, requests, worker } of scenarios) {
      if (worker !== server) continue
      const one = typeof requests === 'function' ? await requests(1) : requests.slice(0, 1)
      const before = server.recentLog().at(-1)
      await load.run({ port, callers: 1, expect, requests: one })
      const calls = /"database_calls":(\d+)/.exec(await nextLogLine(server, before))?.[1]
      if (calls !== undefined) counts[name] = Number(calls)
    }
    return counts
  } finally {
    load.stop()
  }
}
