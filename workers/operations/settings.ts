import { type Command, reasonOf, reasonOption, tell } from './command.ts'
import { Sentence } from './report.ts'

/** As a person says them, and as the database does. */
const switches: Readonly<Record<string, string>> = {
  registration: 'registration',
  'email-sign-in': 'email_sign_in',
  documents: 'documents',
}

const effects: Readonly<Record<string, string>> = {
  registration: 'Clients that register themselves: within ten seconds.',
  email_sign_in: 'E-mail codes: at the next request.',
  documents: 'Fetching of metadata documents, key sets and proofs: within ten seconds.',
}

export const settingCommands: readonly Command[] = [
  {
    name: 'switch',
    operands: [Object.keys(switches).join('|'), 'on|off'],
    says: 'Turns one way in off, or on again, without a deployment.',
    ...reasonOption,
    run: async (call) => {
      const [named = '', state = ''] = call.operands
      const name = switches[named]
      if (name === undefined || (state !== 'on' && state !== 'off')) {
        throw new Sentence(`Say which of ${Object.keys(switches).join(', ')}, and on or off.`)
      }
      const answer = await call.operate('turn_switch', { switch: name, state, reason: reasonOf(call) })
      return tell(answer, ['turned', 'unchanged'], {
        turned: `${named} is ${state}. ${effects[name]}`,
        unchanged: `${named} was ${state} already.`,
      })
    },
  },
  {
    name: 'epoch raise',
    operands: [],
    says: 'Ends every connection and every personal token at once: after a leak, and after restoring a backup.',
    ...reasonOption,
    isFinal: true,
    run: async (call) =>
      tell(await call.operate('raise_epoch', { reason: reasonOf(call) }), ['raised'], {
        raised: ({ issuer_epoch, connections }) =>
          `The epoch is ${issuer_epoch}; ${connections} connections ended. Everybody connects anew.`,
      }),
  },
]
