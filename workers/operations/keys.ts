import { type Answer, type Call, type Command, reasonOf, reasonOption, tell } from './command.ts'
import {
  type KeySet,
  type Kind,
  kindOf,
  kinds,
  newKid,
  readKeySet,
  withKey,
  withKeyInUse,
  withoutKey,
} from './key-rings.ts'
import { signedForSeconds, whyNot } from './key-sentences.ts'
import { type Book, isWaiting, readBook, readKeyStatus } from './key-status.ts'
import { publishedKids } from './live-issuer.ts'
import { makeOperatorKey } from './operator.ts'
import { type Report, Sentence } from './report.ts'

type Step = 'add' | 'use' | 'drop'

/** What comes next in the life of these keys: a known one is used, or an old one goes, or a new one comes. */
function nextStep(kind: Kind, { kids }: KeySet, book: Book): { readonly step: Step; readonly kid: string } {
  const waiting = kids.find((kid) => isWaiting(book, kind, kid))
  if (waiting !== undefined) return { step: 'use', kid: waiting }
  const oldest = kids.at(-1)
  const isFull = kids.length > 1 && kind !== 'registration_keys'
  return isFull && oldest !== undefined ? { step: 'drop', kid: oldest } : { step: 'add', kid: newKid() }
}

const then: Readonly<Record<Step, string>> = {
  add: 'Deploy it now: it is known and not used yet. Run this again in',
  use: 'Deploy it now; what was made under the old one works on. Run this again when npm run ops -- keys status says that it may go.',
  drop: 'Deploy it now.',
}

type Change = {
  readonly kind: Kind
  readonly step: Step
  readonly kid: string
  readonly set: KeySet
  readonly when?: 'now'
}

async function note(call: Call, { kind, step, kid, set, when }: Change): Promise<Answer> {
  return call.operate('change_keys', {
    kind,
    step,
    kid,
    present: set.kids,
    published: set.published,
    wait_seconds: await signedForSeconds(call),
    reason: reasonOf(call),
    ...(when !== undefined && { when }),
  })
}

async function changed({ kind, step, kid, set, when }: Change): Promise<string> {
  if (step === 'add') return withKey(kind, set.text, kid, when ?? 'next')
  return step === 'use' ? withKeyInUse(kind, set.text, kid) : withoutKey(kind, set.text, kid)
}

/** The book in the database first, then the file: what the file has and the book has not would be dropped too early. */
async function take(call: Call, change: Change): Promise<Report> {
  const answer = await note(call, change)
  if (answer.outcome !== 'noted') return tell(answer, [], { [answer.outcome]: whyNot(change.kind) })
  if (!call.isDryRun) await call.keyFile.write(kinds[change.kind], await changed(change))
  const what = { add: 'is added', use: 'is used from now on', drop: 'is gone' }[change.step]
  const next = change.when === 'now' ? 'Deploy it now.' : nextOf(change)
  return tell(answer, ['noted'], { noted: `${change.kid} ${what} in ${call.keyFile.name}. ${next}` })
}

function nextOf({ kind, step }: Change): string {
  if (step !== 'add') return then[step]
  return `${then.add} ${kind === 'signing_keys' ? '24 hours' : '15 minutes'}.`
}

async function readSet(call: Call, kind: Kind): Promise<KeySet> {
  return readKeySet(kind, (await call.keyFile.read())[kinds[kind]])
}

async function rotate(call: Call): Promise<Report> {
  const kind = kindOf(call.operands[0])
  if (call.values.now === true) return replaceNow(call, kind)
  const set = await readSet(call, kind)
  const { step, kid } = nextStep(kind, set, await readBook(call))
  if (step === 'use' && kind === 'signing_keys' && !(await publishedKids(call)).includes(kid)) {
    throw new Sentence(`${kid} is not published by the running server: deploy it, and wait 24 hours from then.`)
  }
  return take(call, { kind, step, kid, set })
}

/** After a leak: a new key in use at once, and every other one gone, whatever ends with it. */
async function replaceNow(call: Call, kind: Kind): Promise<Report> {
  const reports: Report[] = []
  const kid = newKid()
  let set = await readSet(call, kind)
  const old = set.kids
  // A ring holds two at most, so all but the one in use go before the new one comes.
  const inUse = old.find((one) => !set.published.includes(one))
  const changes: Omit<Change, 'set'>[] = [
    ...old
      .filter((one) => one !== inUse)
      .map((one) => ({ kind, step: 'drop' as const, kid: one, when: 'now' as const })),
    { kind, step: 'add', kid, when: 'now' },
    ...(inUse === undefined ? [] : [{ kind, step: 'drop' as const, kid: inUse, when: 'now' as const }]),
  ]
  for (const change of changes) {
    const report = await take(call, { ...change, set })
    reports.push(report)
    if (!report.isGood) break
    set = call.isDryRun ? readKeySet(kind, await changed({ ...change, set })) : await readSet(call, kind)
    // A dry run keeps no book, so the last step cannot be tried after those before it.
    if (call.isDryRun) break
  }
  const isGood = reports.every((report) => report.isGood)
  const lines = reports.flatMap((report) => report.lines)
  return { isGood, lines, json: reports.map(({ json }) => json) }
}

export const keyCommands: readonly Command[] = [
  {
    name: 'keys status',
    operands: [],
    says: 'Lists the keys of the Worker, since when each is there, and whether an old one may go.',
    run: readKeyStatus,
  },
  {
    name: 'keys rotate',
    operands: [Object.keys(kinds).join('|')],
    says: 'Takes the next step: makes a new key known, then uses it, then drops the old one. Refuses what is too early.',
    options: { ...reasonOption.options, now: { type: 'boolean' }, issuer: { type: 'string' } },
    optionsSay: {
      ...reasonOption.optionsSay,
      now: 'after a leak: a new key at once and the old ones gone, with all that was made under them; wants --yes',
      'issuer <url>': 'the running server, where the file has no ISSUER',
    },
    run: rotate,
  },
  {
    name: 'operator-key',
    operands: [],
    says: 'Prints an OPERATOR_KEY for one hour, signed with JWT_SECRET, for a database that is reached over its RPC surface.',
    run: async ({ env }) => {
      if (!env.JWT_SECRET)
        throw new Sentence('JWT_SECRET is missing: the secret that signs the keys of the RPC surface.')
      const key = await makeOperatorKey(env.JWT_SECRET)
      return { isGood: true, lines: [key], json: { OPERATOR_KEY: key } }
    },
  },
]
