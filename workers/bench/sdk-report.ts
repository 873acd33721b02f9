import type { Aim } from './report.ts'
import type { Overhead } from './sdk-overhead.ts'
import { table } from './table.ts'

const maxRatio = 1.15

const names: Readonly<Record<string, string>> = {
  bare: 'alone',
  'idle middleware': 'with a middleware that does nothing',
  protected: 'behind the SDK, warm cache',
  'tool scopes': 'the same with `toolScopes`, which read the body',
  peer: "behind the MCP packages' own `requireBearerAuth` with a verifier that does nothing",
}

/** What the SDK set out to reach on Node. */
export function sdkAims(rows: readonly Overhead[]): Aim[] {
  const of = (variant: string) => rows.filter((row) => row.variant === variant)
  const guarded = of('protected')
  const pairs = of('peer').map((peer) => {
    const own = guarded.find(({ framework }) => framework === peer.framework)?.ratio ?? Number.NaN
    return { framework: peer.framework, share: own / peer.ratio }
  })
  return [
    {
      sentence: `A tool call behind the SDK takes at most ${maxRatio} of the bare framework's time`,
      measured: guarded.map(({ framework, ratio }) => `${framework} ${ratio.toFixed(2)}`).join(' · '),
      isMet: guarded.every(({ ratio }) => ratio <= maxRatio),
    },
    {
      sentence:
        "A tool call behind the SDK is not slower than behind the MCP packages' middleware with a verifier that does nothing",
      measured: pairs.map(({ framework, share }) => `${framework} ${share.toFixed(2)} of it`).join(' · '),
      isMet: pairs.every(({ share }) => share <= 1),
    },
  ]
}

export function sdkSection(rows: readonly Overhead[]): string {
  const lines = rows.map(({ framework, variant, microseconds, ratio }) => [
    `${framework}, ${names[variant] ?? variant}`,
    microseconds.toFixed(1),
    ratio.toFixed(2),
  ])
  return table(['a tool call, 8 callers, one process', 'µs per request', 'of it alone'], lines)
}
