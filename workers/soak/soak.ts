import { registerOwnServer } from '../bench/visitor.ts'
import { readMemory } from '../bench/workerd.ts'
import { type FaultPlace, startFaultPlace } from '../test/faults/fault-place.ts'
import { injectFaults, type Weather } from './faults.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { type Crew, operations, signIn } from './operations.ts'
import { type Count, countAll, judgeMemory, type Memory, rowCounts } from './verdict.ts'

export type SoakOptions = Weather & {
  readonly seconds: number
  /** Operations begun in a second; fewer where the machine cannot. */
  readonly perSecond: number
  /** Connections that are there from the beginning. */
  readonly connections: number
}

export type Soaked = {
  readonly ledger: Ledger
  readonly counts: readonly Count[]
  readonly memory: Memory
}

/** Operations at the same time; the next one waits for a place. */
const atOnce = 16

/** Mixed load on the real parts, with one fault after the other and a heap that has to be collected; then everything is counted. */
export async function soak(options: SoakOptions): Promise<Soaked> {
  const place = await startFaultPlace({
    v8Flags: ['--max-heap-size=24'],
  })
  try {
    const server = await registerOwnServer(place.issuer)
    const rowsBefore = await rowCounts(place)
    const ledger = openLedger()
    const crew: Crew = { traveller: { place, server }, ledger, free: [] }
    for (let made = 0; made < options.connections; made += 1) await signIn(crew)
    const samplesBytes = await run(place, crew, options)
    return { ledger, counts: await countAll(place, ledger, rowsBefore), memory: judgeMemory(samplesBytes) }
  } finally {
    await place.close()
  }
}

async function run(place: FaultPlace, crew: Crew, options: SoakOptions): Promise<number[]> {
  const endMs = performance.now() + options.seconds * 1_000
  const isOver = () => performance.now() > endMs
  const samplesBytes: number[] = []
  const sampling = setInterval(() => samplesBytes.push(readMemory(place.worker().pid).anonymousBytes), 500)
  try {
    await Promise.all([injectFaults(place, crew.ledger, { ...options, isOver }), load(crew, options.perSecond, isOver)])
  } finally {
    clearInterval(sampling)
  }
  return samplesBytes
}

async function load(crew: Crew, perSecond: number, isOver: () => boolean): Promise<void> {
  const underway = new Set<Promise<void>>()
  const startedMs = performance.now()
  for (let begun = 0; !isOver(); begun += 1) {
    const waitMs = startedMs + (begun * 1_000) / perSecond - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    while (underway.size >= atOnce) await Promise.race(underway)
    const going = operationAt(begun)
      .run(crew)
      .catch((error: unknown) => void crew.ledger.notInjected.push(String(error)))
      .finally(() => underway.delete(going))
    underway.add(going)
  }
  await Promise.all(underway)
}

/** A hundred places shared out by the operations' shares, walked through in a fixed disorder: 37 and 100 have no divisor. */
const places = operations.flatMap((operation) => Array.from({ length: operation.share }, () => operation))

function operationAt(index: number) {
  const operation = places[(index * 37) % places.length]
  if (operation === undefined) throw new Error('there is no operation')
  return operation
}
