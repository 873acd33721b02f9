import { type Call, type Command, reasonOf, reasonOption, tell } from './command.ts'

const notFound = 'No server has this id, or this URL alone.'
const target = (call: Call) => ({ server: call.operands[0], reason: reasonOf(call) })

export const serverCommands: readonly Command[] = [
  {
    name: 'servers suspend',
    operands: ['server'],
    says: 'Ends the API keys and connections of a server at once; its owner cannot undo it. Named by its id or URL.',
    ...reasonOption,
    run: async (call) =>
      tell(await call.operate('suspend_server', target(call)), ['suspended'], {
        suspended: ({ keys, connections }) => `It is suspended: ${keys} keys and ${connections} connections ended.`,
        already_suspended: 'It is suspended already.',
        not_found: notFound,
      }),
  },
  {
    name: 'servers resume',
    operands: ['server'],
    says: 'Lets the owner of a suspended server prove its URL again. What ended stays ended.',
    ...reasonOption,
    run: async (call) =>
      tell(await call.operate('resume_server', target(call)), ['resumed'], {
        resumed: 'It waits for its proof; its owner makes new keys.',
        not_suspended: 'It is not suspended.',
        not_found: notFound,
      }),
  },
  {
    name: 'servers transfer',
    operands: ['server'],
    says: 'Gives a server to an account. Its management tokens and webhooks end.',
    options: { ...reasonOption.options, to: { type: 'string' }, 'revoke-keys': { type: 'boolean' } },
    optionsSay: {
      ...reasonOption.optionsSay,
      'to <user>': 'the e-mail or id of the account',
      'revoke-keys': 'its API keys end too',
    },
    run: async (call) => {
      const keys = call.values['revoke-keys'] === true ? 'revoke' : 'keep'
      const answer = await call.operate('transfer_server', { ...target(call), user: call.values.to ?? '', keys })
      return tell(answer, ['transferred'], {
        transferred: 'The account holds it from now on.',
        own_account: 'The account holds it already.',
        no_account: 'There is no such account: say --to, with an e-mail that has signed in before.',
        account_disabled: 'That account is disabled.',
        not_found: notFound,
      })
    },
  },
]
