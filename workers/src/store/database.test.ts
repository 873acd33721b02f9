import { describe, expect, it } from 'vitest'
import * as account from './account.ts'
import type { Store } from './client.ts'
import * as clientRules from './client-rules.ts'
import * as clients from './clients.ts'
import * as connections from './connections.ts'
import type { FunctionArguments } from './database.ts'
import * as emailCodes from './email-codes.ts'
import * as identities from './identities.ts'
import * as introspection from './introspection.ts'
import * as keys from './keys.ts'
import * as lostPasskeys from './lost-passkeys.ts'
import * as maintenance from './maintenance.ts'
import * as offers from './offers.ts'
import * as passkeys from './passkeys.ts'
import * as personalTokens from './personal-tokens.ts'
import * as serverActivity from './server-activity.ts'
import * as servers from './servers.ts'
import * as sessions from './sessions.ts'
import * as transactions from './transactions.ts'
import * as verification from './verification.ts'
import * as webhooks from './webhooks.ts'

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name
type Expected = CamelCase<keyof FunctionArguments>

// What it has besides its calls.
const { lostPasskeys: _shape, notFresh: _refusal, ...lostPasskeyCalls } = lostPasskeys

const exported = {
  ...account,
  ...clientRules,
  ...clients,
  ...connections,
  ...emailCodes,
  ...identities,
  ...introspection,
  ...keys,
  ...lostPasskeyCalls,
  ...maintenance,
  ...offers,
  ...passkeys,
  ...personalTokens,
  ...serverActivity,
  ...servers,
  ...sessions,
  ...transactions,
  ...verification,
  ...webhooks,
}

// ARCHITECTURE decision 11, both directions: these two lines do not compile when a function or an export is missing.
const complete: Record<Expected, unknown> = exported
const nothingElse: Record<Exclude<keyof typeof exported, Expected>, never> = {}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

describe('the store', () => {
  it.each(Object.entries(complete))('calls the function of schema mcp that %s is named for', async (name, call) => {
    const called: string[] = []
    const store: Store = {
      call: async (sqlName) => {
        called.push(sqlName)
        return undefined
      },
    }
    if (typeof call !== 'function') throw new Error(`${name} is no function`)
    await expect(call(store, {})).rejects.toThrow('answered in a shape')
    expect(called).toEqual([snakeCase(name)])
  })

  it('has no function that the database lacks', () => {
    expect(nothingElse).toEqual({})
  })
})
