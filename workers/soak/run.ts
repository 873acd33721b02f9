/** `npm run soak`: ten minutes of mixed load with faults, and a verdict. Loopback only. */
import { optionsOrUsage } from '../bench/options.ts'
import { table } from '../bench/table.ts'
import { type Soaked, soak } from './soak.ts'

const values = optionsOrUsage('npm run soak -- [--minutes 10] [--per-second 60]', {
  minutes: { type: 'string', default: '10' },
  'per-second': { type: 'string', default: '60' },
})

function report({ ledger, counts, memory }: Soaked): string {
  const kinds = [...new Set(ledger.windows.map(({ kind }) => kind))]
  const injected = kinds.map((kind) => [kind, `${ledger.windows.filter((window) => window.kind === kind).length}`])
  return [
    table(
      ['done', 'times'],
      [...ledger.done].map(([what, times]) => [what, `${times}`]),
    ),
    table(['made to fail', 'times'], injected),
    table(
      ['counted', 'expected', 'found'],
      counts.map(({ what, expected, found }) => [what, `${expected}`, `${found}`]),
    ),
    `Answered 503 while something was made to fail: ${ledger.injected}. Failed otherwise: ${ledger.notInjected.length}.`,
    ...ledger.notInjected.slice(0, 20),
    `Memory of the Worker: ${memory.earlyMb.toFixed(1)} MB early, ${memory.lateMb.toFixed(1)} MB late.`,
  ].join('\n\n')
}

/** A number above zero; anything else ends the program with a sentence. */
function positive(option: 'minutes' | 'per-second'): number {
  const value = Number(values[option])
  if (value >= 0.001 && value <= 100_000) return value
  console.error(`--${option} takes a number between 0.001 and 100000, not “${values[option]}”.`)
  process.exit(1)
}

const seconds = positive('minutes') * 60
const soaked = await soak({
  seconds,
  perSecond: positive('per-second'),
  connections: 40,
  calmMs: 6_000,
  faultMs: 1_500,
})
console.log(report(soaked))
const { counts, memory, ledger } = soaked
const isExact = counts.every(({ expected, found }) => expected === found)
const isWell = isExact && memory.isFlat && ledger.notInjected.length === 0
console.log(isWell ? '\nThe soak passed.' : '\nThe soak failed.')
if (!isWell) process.exitCode = 1
