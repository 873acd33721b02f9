import type { ParseArgsConfig } from 'node:util'
import * as z from 'zod/mini'
import type { KeyFile } from './key-file.ts'
import type { Arguments, Operator } from './operator.ts'
import type { Report } from './report.ts'

export type Answer = { readonly outcome: string; readonly [member: string]: unknown }

const answer = z.looseObject({ outcome: z.string() })

/** What a command has to work with. */
export type Call = {
  readonly operands: readonly string[]
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly isDryRun: boolean
  readonly operator: Operator
  /** For what is too long to be a report. */
  readonly write: (text: string) => Promise<void>
  /** Runs a command of the database; in a dry run it is tried and nothing is kept. */
  readonly operate: (command: string, args: Arguments) => Promise<Answer>
  /** Only tries it, in any case. */
  readonly attempt: (command: string, args: Arguments) => Promise<Answer>
  /** The Worker's secrets, where the command wants them. */
  readonly keyFile: KeyFile
}

export type Command = {
  readonly name: string
  readonly operands: readonly string[]
  readonly says: string
  /** Beside --help, --dry-run, --json, --data, --env-file and --as, which every command has. */
  readonly options?: NonNullable<ParseArgsConfig['options']>
  /** What `--help` says of each of them. */
  readonly optionsSay?: Readonly<Record<string, string>>
  /** Cannot be taken back: without --yes it is only tried. */
  readonly isFinal?: true
  readonly run: (call: Call) => Promise<Report>
}

export type Caller = { readonly operator: Operator; readonly name: string; readonly requestId: string }

/** Calls the one door for operators; the events of what it changes name who it was. */
export function doorOf({ operator, name, requestId }: Caller) {
  return async (command: string, args: Arguments, mode: 'do' | 'try'): Promise<Answer> =>
    answer.parse(
      await operator.call('operate', {
        p_command: command,
        p_arguments: args,
        p_mode: mode,
        p_request: { request_id: requestId, user_agent: `ops by ${name}` },
      }),
    )
}

type Sentences = Readonly<Record<string, string | ((answer: Answer) => string)>>

/** Tells an outcome in a sentence; those named in `good` are what was asked for. */
export function tell(answered: Answer, good: readonly string[], sentences: Sentences): Report {
  const sentence = sentences[answered.outcome]
  const text = typeof sentence === 'function' ? sentence(answered) : (sentence ?? `The answer was ${answered.outcome}.`)
  const isGood = good.includes(answered.outcome)
  const line = isGood && answered.tried === true ? `Tried, nothing was changed. It would be: ${text}` : text
  return { isGood, lines: [line], json: answered }
}

export const reasonOption = {
  options: { reason: { type: 'string' } },
  optionsSay: { 'reason <text>': 'why; it stands in the audit event' },
} as const satisfies Pick<Command, 'options' | 'optionsSay'>

export function reasonOf({ values }: Call): string {
  return typeof values.reason === 'string' ? values.reason : 'operator'
}
