import { type Report, Sentence } from './report.ts'

/** What a check has found. `mend` names the command, or the place, that puts it right. */
export type Finding =
  | { readonly state: 'good' | 'skipped'; readonly check: string; readonly text: string }
  | { readonly state: 'warning' | 'bad'; readonly check: string; readonly text: string; readonly mend: string }

export type Check = {
  readonly name: string
  /** What is not as it should be; nothing where all is. */
  readonly run: () => Promise<readonly Problem[]>
  /** What puts it right where a problem does not say so itself. */
  readonly mend: string
}

export type Problem = {
  readonly text: string
  readonly mend?: string
  readonly isWarning?: true
  readonly isSkipped?: true
}

const bad = (text: string, mend?: string): Problem => ({ text, ...(mend !== undefined && { mend }) })
const warning = (text: string, mend?: string): Problem => ({ ...bad(text, mend), isWarning: true })
const skipped = (text: string): Problem => ({ text, isSkipped: true })
export const problem = { bad, warning, skipped }

/** Runs all of them, whatever one says: nothing is repaired one refusal at a time. */
export async function runChecks(checks: readonly Check[]): Promise<readonly Finding[]> {
  const findings = await Promise.all(checks.map(runOne))
  return findings.flat()
}

async function runOne({ name, run, mend }: Check): Promise<Finding[]> {
  const problems = await run().catch((error: unknown) => [bad(sentenceOf(error))])
  if (problems.length === 0) return [{ state: 'good', check: name, text: 'as it should be' }]
  return problems.map(({ text, isWarning, isSkipped, mend: own }) => {
    if (isSkipped) return { state: 'skipped', check: name, text }
    return { state: isWarning ? 'warning' : 'bad', check: name, text, mend: own ?? mend }
  })
}

function sentenceOf(error: unknown): string {
  if (error instanceof Sentence) return error.message
  return error instanceof Error ? `it could not be looked at: ${error.message}` : 'it could not be looked at'
}

const marks = { good: '✓', skipped: '-', warning: '!', bad: '✗' }

function lineOf(finding: Finding): string {
  const line = `${marks[finding.state]} ${finding.check}: ${finding.text}`
  return 'mend' in finding ? `${line}\n    ${finding.mend}` : line
}

export function reportOf(findings: readonly Finding[]): Report {
  const isGood = findings.every(({ state }) => state !== 'bad')
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  const sum = `${count('good')} good, ${count('warning')} warnings, ${count('bad')} bad, ${count('skipped')} skipped`
  return { isGood, lines: [...findings.map(lineOf), '', sum], json: { findings } }
}
