import { type Call, type Command, reasonOf, reasonOption, tell } from './command.ts'

const notFound = 'There is no such account: name it by its e-mail or id.'
const target = (call: Call) => ({ user: call.operands[0], reason: reasonOf(call) })

export const userCommands: readonly Command[] = [
  {
    name: 'users disable',
    operands: ['user'],
    says: 'Ends the sessions of an account; its connections are dead and it cannot sign in for as long as it is disabled.',
    ...reasonOption,
    run: async (call) =>
      tell(await call.operate('disable_user', target(call)), ['disabled'], {
        disabled: ({ sessions, connections }) =>
          `It is disabled: ${sessions} sessions ended, ${connections} connections are inactive.`,
        already_disabled: 'It is disabled already.',
        not_found: notFound,
      }),
  },
  {
    name: 'users enable',
    operands: ['user'],
    says: 'Lets an account in again; its connections work as before.',
    ...reasonOption,
    run: async (call) =>
      tell(await call.operate('enable_user', target(call)), ['enabled'], {
        enabled: 'It may sign in again, and its connections work.',
        not_disabled: 'It is not disabled.',
        not_found: notFound,
      }),
  },
  {
    name: 'users export',
    operands: ['user'],
    says: 'Prints everything that is kept about a person as JSON. The person sees in the activity that it was made.',
    ...reasonOption,
    run: async (call) => {
      const answer = await call.operate('export_user', target(call))
      if (answer.outcome !== 'exported') return tell(answer, [], { not_found: notFound })
      const { outcome: _, tried: __, ...kept } = answer
      return { isGood: true, lines: [JSON.stringify(kept, null, 2)], json: kept }
    },
  },
  {
    name: 'users remove-passkeys',
    operands: ['user'],
    says: 'Removes all passkeys of an account and ends its sessions; it signs in by e-mail and makes new ones.',
    ...reasonOption,
    isFinal: true,
    run: async (call) =>
      tell(await call.operate('remove_passkeys', target(call)), ['removed'], {
        removed: ({ passkeys, sessions }) => `${passkeys} passkeys are gone, and ${sessions} sessions ended.`,
        no_passkeys: 'It has no passkey.',
        not_found: notFound,
      }),
  },
  {
    name: 'users delete',
    operands: ['user'],
    says: 'Deletes an account for good: sessions, connections and what it owns go with it.',
    ...reasonOption,
    isFinal: true,
    run: async (call) =>
      tell(await call.operate('delete_user', target(call)), ['deleted'], {
        deleted: ({ servers, connections }) =>
          `The account is gone, with ${connections} connections; ${servers} servers it owned ended.`,
        not_found: notFound,
      }),
  },
]
