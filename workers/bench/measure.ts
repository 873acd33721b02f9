/** Interleaved rounds: every scenario once, then all again, so that a slow second of the machine touches all of them. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { LoadOrder, LoadResult } from './load.ts'
import type { Scenario } from './scenarios.ts'
import { readCpuMs } from './workerd.ts'

export type Effort = { rounds: number; durationMs: number; callers: readonly number[] }
export type Sample = LoadResult & { cpuMs: number | undefined }
export type Measurement = {
  name: string
  callers: number
  perSecond: number
  p50Ms: number
  p99Ms: number
  cpuMsPerRequest: number | undefined
  besides: string | undefined
  ratio: number | undefined
}

export type Load = { run: (order: LoadOrder) => Promise<LoadResult>; stop: () => void }

/** A round that never ends would hold the whole bench: the server under test stopped answering. */
const roundTimeoutMs = 60_000

export function startLoad(): Load {
  const child: ChildProcess = fork(join(import.meta.dirname, 'load.ts'))
  const run = (order: LoadOrder): Promise<LoadResult> =>
    new Promise((resolve, reject) => {
      const timeout = setTimeout(() => reject(new Error('a round did not end within a minute')), roundTimeoutMs)
      child.once('message', (message: { result: LoadResult } | { error: string }) => {
        clearTimeout(timeout)
        if ('result' in message) resolve(message.result)
        else reject(new Error(message.error))
      })
      child.send(order)
    })
  return { run, stop: () => child.kill() }
}

/** Codes and refresh tokens that one round needs: about as many as the duration takes, within what a bench may insert. */
function countFor(callers: number, { durationMs }: Effort): number {
  const perSecond = callers === 1 ? 300 : 900
  return Math.round((perSecond * durationMs) / 1000)
}

async function takeSample(load: Load, scenario: Scenario, callers: number, effort: Effort): Promise<Sample> {
  const { port, expect, requests, worker } = scenario
  const order =
    typeof requests === 'function'
      ? { port, callers, expect, requests: await requests(countFor(callers, effort)) }
      : { port, callers, expect, requests, durationMs: effort.durationMs }
  const cpuBeforeMs = worker && readCpuMs(worker.pid)
  const result = await load.run(order).catch((error: unknown) => {
    throw new Error(`${scenario.name} at ${callers}: ${String(error)}\n${worker?.recentLog().slice(-3).join('\n')}`)
  })
  return { ...result, cpuMs: worker && cpuBeforeMs !== undefined ? readCpuMs(worker.pid) - cpuBeforeMs : undefined }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1] ?? Number.NaN, sorted[Math.floor(middle)] ?? Number.NaN]
  return (low + high) / 2
}

const rate = ({ requests, seconds }: Sample): number => requests / seconds

function summarise(scenario: Scenario, callers: number, samples: ReadonlyMap<string, Sample[]>): Measurement {
  const own = samples.get(scenario.name) ?? []
  const reference = scenario.besides === undefined ? undefined : samples.get(scenario.besides)
  const requests = own.reduce((sum, sample) => sum + sample.requests, 0)
  const ratios = own.map((sample, round) => rate(sample) / (reference?.[round] ? rate(reference[round]) : Number.NaN))
  const cpuMs = own.reduce<number | undefined>(
    (sum, sample) => (sample.cpuMs === undefined ? undefined : (sum ?? 0) + sample.cpuMs),
    0,
  )
  return {
    name: scenario.name,
    callers,
    perSecond: median(own.map(rate)),
    p50Ms: median(own.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(own.map(({ p99Ms }) => p99Ms)),
    cpuMsPerRequest: cpuMs === undefined ? undefined : cpuMs / requests,
    besides: scenario.besides,
    ratio: reference && median(ratios),
  }
}

/** Measures every scenario at every number of callers; the order within a round turns, so that nobody is always first. */
export async function measure(
  scenarios: readonly Scenario[],
  effort: Effort,
  onRound: () => void,
): Promise<Measurement[]> {
  const load = startLoad()
  const results: Measurement[] = []
  try {
    for (const scenario of scenarios) await takeSample(load, scenario, 16, { ...effort, durationMs: 200 }) // warm
    for (const callers of effort.callers) {
      const samples = new Map<string, Sample[]>(scenarios.map(({ name }) => [name, []]))
      for (let round = 0; round < effort.rounds; round += 1) {
        const turned = [...scenarios.slice(round % scenarios.length), ...scenarios.slice(0, round % scenarios.length)]
        for (const scenario of turned)
          samples.get(scenario.name)?.push(await takeSample(load, scenario, callers, effort))
        onRound()
      }
      results.push(...scenarios.map((scenario) => summarise(scenario, callers, samples)))
    }
    return results
  } finally {
    load.stop()
  }
}
