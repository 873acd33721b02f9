import type { Answer } from '../../../supabase/tests/support/database.ts'

/** How many callers come at once, and how often. */
export const callers = 20
export const rounds = 50

/** Everybody at once, each on a connection of their own (the pool has more than there are callers); the outcomes, counted. */
export async function crowd(
  count: number,
  call: (caller: number) => Promise<Answer>,
): Promise<{ readonly answers: readonly Answer[]; readonly outcomes: Readonly<Record<string, number>> }> {
  const answers = await Promise.all(Array.from({ length: count }, (_value, caller) => call(caller)))
  const outcomes: Record<string, number> = {}
  for (const { outcome } of answers) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  return { answers, outcomes }
}

/** Runs rounds one after another, each on rows of its own. */
export async function eachRound(round: (number: number) => Promise<void>): Promise<void> {
  for (let number = 0; number < rounds; number++) await round(number)
}
