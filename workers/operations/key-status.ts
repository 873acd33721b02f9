import * as z from 'zod/mini'
import type { Call } from './command.ts'
import { type Kind, kindOf, kinds, readKeySet } from './key-rings.ts'
import { shortMoment, signedForSeconds, whyNot } from './key-sentences.ts'
import type { Report } from './report.ts'

const state = z.object({
  worker_keys: z.array(
    z.object({
      kind: z.string(),
      kid: z.string(),
      added_at: z.string(),
      used_since: z.optional(z.string()),
      dropped_at: z.optional(z.string()),
    }),
  ),
})
export type Book = z.infer<typeof state>['worker_keys']

/** The book of the Worker's keys that the database keeps: names and moments. */
export async function readBook(call: Call): Promise<Book> {
  return state.parse(await call.attempt('read_state', {})).worker_keys
}

/** Whether a key is known and not used yet, by the book. */
export function isWaiting(book: Book, kind: Kind, kid: string): boolean {
  const row = book.find((one) => one.kind === kind && one.kid === kid && one.dropped_at === undefined)
  return row !== undefined && row.used_since === undefined
}

type KeyState = {
  readonly kind: Kind
  readonly kid: string
  readonly state: 'in use' | 'known' | 'old'
  readonly added_at?: string
  /** What stands in the way of dropping it; absent where nothing does, or it is not old. */
  readonly why_not?: string
  readonly may_go?: boolean
}

/** Asks of each old key whether it could go now; nothing is changed by it. */
async function stateOf(call: Call, kind: Kind, book: Book): Promise<KeyState[]> {
  const set = readKeySet(kind, (await call.keyFile.read())[kinds[kind]])
  const isKnown = (kid: string) => set.published.includes(kid) || isWaiting(book, kind, kid)
  const inUse = set.kids.find((kid) => !isKnown(kid))
  const states: KeyState[] = []
  for (const kid of set.kids) {
    const added_at = book.find((row) => row.kind === kind && row.kid === kid)?.added_at
    const known = { kind, kid, ...(added_at !== undefined && { added_at }) }
    if (kid === inUse) states.push({ ...known, state: 'in use' })
    else if (isKnown(kid)) states.push({ ...known, state: 'known' })
    else {
      const wait_seconds = await signedForSeconds(call)
      const { kids: present, published } = set
      const answer = await call.attempt('change_keys', { kind, kid, step: 'drop', present, published, wait_seconds })
      const may_go = answer.outcome === 'noted'
      states.push({ ...known, state: 'old', may_go, ...(!may_go && { why_not: whyNot(kind)(answer) }) })
    }
  }
  return states
}

function lineOf({ kind, kid, state, added_at, why_not, may_go }: KeyState): string {
  const since = added_at === undefined ? '' : `  since ${shortMoment(added_at)}`
  const verdict = may_go === true ? `  may go: npm run ops -- keys rotate ${kind}` : why_not && `  ${why_not}`
  return `${kind}  ${kid}  ${state}${since}${verdict ?? ''}`
}

export async function readKeyStatus(call: Call): Promise<Report> {
  const book = await readBook(call)
  const states: KeyState[] = []
  for (const name of Object.keys(kinds)) states.push(...(await stateOf(call, kindOf(name), book)))
  return { isGood: true, lines: states.map(lineOf), json: { keys: states } }
}
