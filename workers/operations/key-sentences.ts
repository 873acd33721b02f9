import * as z from 'zod/mini'
import { defaultLifetimes } from '../src/config-defaults.ts'
import { readNumbers } from '../src/config-values.ts'
import type { Answer, Call } from './command.ts'
import type { Kind } from './key-rings.ts'
import { Sentence } from './report.ts'

/** No access token lives longer, whatever a server chose (SECURITY §1). */
const longestAccessSeconds = 3_600

/** How long what a key has signed is believed: the longest of our tokens, as the file says it. */
export async function signedForSeconds({ keyFile, env }: Call): Promise<number> {
  const text = (await keyFile.read()).LIFETIMES ?? env.LIFETIMES ?? '{}'
  const lifetimes = readNumbers(text, defaultLifetimes)
  if ('problem' in lifetimes) throw new Sentence(`LIFETIMES ${lifetimes.problem}.`)
  return Math.max(longestAccessSeconds, lifetimes.value.id_token_seconds)
}

const places: Readonly<Record<string, string>> = {
  api_keys: 'API keys of servers',
  management_tokens: 'management tokens',
  personal_tokens: 'personal tokens',
  sessions: 'sessions',
  refresh_tokens: 'refresh tokens',
  codes: 'codes',
  transactions: 'sign-ins under way',
  webhooks: 'webhooks',
}

const uses = z.record(z.string(), z.object({ count: z.number(), until: z.optional(z.string()) }))

/** What is alive under a pepper, and until when, as far as it ends by itself. */
export function tellUses(value: unknown): string {
  const told = Object.entries(uses.parse(value)).map(([place, { count, until }]) => {
    const end = until === undefined ? 'until they are replaced' : `until ${shortMoment(until)} at the latest`
    return `${count} ${places[place] ?? place} (${end})`
  })
  return told.join(', ')
}

export function shortMoment(moment: unknown): string {
  return new Date(String(moment)).toISOString().replace(/\.\d+Z$/, 'Z')
}

const whyWait: Readonly<Record<Kind, string>> = {
  signing_keys: 'who checks signatures may not know the new key yet, or tokens of the old one live until then',
  cookie_keys: 'isolates may not know the new key yet, or open pages hold form tokens of the old one',
  token_peppers: 'isolates may not know the new key yet',
  registration_keys: 'isolates may not know the new key yet',
}

/** Why a step is refused. */
export function whyNot(kind: Kind): (answer: Answer) => string {
  return (answer) => {
    switch (answer.outcome) {
      case 'too_early':
        return `Not before ${shortMoment(answer.at)}: ${whyWait[kind]}.`
      case 'still_needed':
        return `Not yet: ${tellUses(answer.uses)} were made under it.`
      case 'never':
        return 'Never: clients carry ids that it sealed, and nobody knows which. Only after a leak: --now.'
      case 'in_use':
        return 'It is in use.'
      case 'not_found':
        return 'The Worker does not have it, or it was added without this command.'
      default:
        return `The answer was ${answer.outcome}.`
    }
  }
}
