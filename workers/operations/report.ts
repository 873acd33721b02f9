/** A failure that is told in one sentence, without a stack. */
export class Sentence extends Error {}

/** What a command has to say: to people in lines, to programs as JSON. */
export type Report = {
  /** Whether what was asked for is done, or nothing is wrong. */
  readonly isGood: boolean
  readonly lines: readonly string[]
  readonly json: unknown
}

export function textOf({ lines, json }: Report, format: 'text' | 'json'): string {
  if (format === 'json' && json !== undefined) return `${JSON.stringify(json, null, 2)}\n`
  return lines.map((line) => `${line}\n`).join('')
}
