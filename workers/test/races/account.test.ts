import { beforeAll, expect, test } from 'vitest'
import {
  addKey,
  addServer,
  decide,
  type Key,
  newBrowser,
  newPerson,
  open,
  type Person,
  type Server,
} from '../../../supabase/tests/support/builders.ts'
import {
  approve,
  connect,
  exchange,
  freshSession,
  introspect,
  refresh,
} from '../../../supabase/tests/support/connections.ts'
import { testDatabase } from '../../../supabase/tests/support/database.ts'
import { own } from '../../../supabase/tests/support/pages.ts'
import { passkeyOwner, reportLost, verifyPasskey } from '../../../supabase/tests/support/passkeys.ts'
import { request } from '../../../supabase/tests/support/values.ts'
import { callers, crowd, eachRound } from './crowd.ts'

const database = await testDatabase()
let person: Person
let server: Server
let key: Key

beforeAll(async () => {
  person = await newPerson(database)
  server = await addServer(database)
  key = await addKey(database, server)
})

const asked = { scope: ['files:read', 'files:write'] }
const count = async (from: string, values: unknown[]) => {
  const [row] = await database.query(`select count(*)::integer as n from ${from}`, values)
  return Number(row?.n)
}

test('B31 revoking one and refreshing it at once: afterwards nothing of it is live, whoever came first', async () => {
  await eachRound(async () => {
    const id = await connect(database, person, server)
    const { outcomes } = await crowd(8, (caller) =>
      caller % 4 === 0
        ? own(database, person, 'revoke_own_connections', { p_connection_id: id, p_extent: 'one', p_request: request })
        : refresh(database, id, 1),
    )
    expect(outcomes.revoked).toBe(2)
    expect(await introspect(database, key, server, id)).toMatchObject({ reason: 'connection_revoked' })
    for (const generation of [1, 2]) {
      expect((await refresh(database, id, generation)).outcome).not.toMatch(/rotated|retried/)
    }
    expect(await count("mcp_data.audit_events where connection_id = $1 and event = 'connection.revoked'", [id])).toBe(1)
  })
})

test('B31 ending everything while codes are redeemed: nothing that was there is live afterwards', async () => {
  await eachRound(async () => {
    const somebody = await freshSession(database, person)
    const pending = [await approve(database, somebody, server), await approve(database, somebody, server)]
    await crowd(4, (caller) =>
      caller < 2
        ? own(database, person, 'revoke_own_connections', {
            p_connection_id: null,
            p_extent: 'all',
            p_request: request,
          })
        : exchange(database, pending[caller - 2] ?? ''),
    )
    for (const id of pending) {
      expect((await introspect(database, key, server, id)).outcome).toBe('inactive')
      expect((await refresh(database, id, 1)).outcome).not.toBe('rotated')
    }
  })
})

test('B32 narrowing and refreshing at once: whatever comes after has the narrower scope', async () => {
  await eachRound(async () => {
    const id = await connect(database, person, server, asked)
    const { outcomes } = await crowd(8, (caller) =>
      caller === 3
        ? own(database, person, 'narrow_own_connection', {
            p_connection_id: id,
            p_scopes: ['files:read'],
            p_request: request,
          })
        : refresh(database, id, 1),
    )
    expect(outcomes).toMatchObject({ narrowed: 1, rotated: 1 })
    expect(await introspect(database, key, server, id)).toMatchObject({ scopes: ['files:read', 'base'] })
    expect(await refresh(database, id, 2)).toMatchObject({
      outcome: 'rotated',
      connection: { scopes: ['files:read', 'base'] },
    })
  })
})

test('B32 narrowing from two windows at once never gives back what one of them took', async () => {
  await eachRound(async () => {
    const id = await connect(database, person, server, asked)
    const { outcomes } = await crowd(6, (caller) =>
      own(database, person, 'narrow_own_connection', {
        p_connection_id: id,
        p_scopes: caller % 2 === 0 ? ['files:read'] : ['files:write'],
        p_request: request,
      }),
    )
    expect(outcomes).toEqual({ narrowed: 3, scope_not_granted: 3 })
    const { scopes } = await introspect(database, key, server, id)
    expect([
      ['files:read', 'base'],
      ['files:write', 'base'],
    ]).toContainEqual(scopes)
  })
})

test('B9 signing out everywhere else from every window at once: one stays signed in', async () => {
  await eachRound(async () => {
    const somebody = await newPerson(database)
    const windows = [somebody]
    while (windows.length < 6) windows.push(await freshSession(database, somebody))
    const { outcomes } = await crowd(6, (caller) =>
      own(database, windows[caller] ?? somebody, 'end_own_sessions', {
        p_session_id: null,
        p_extent: 'others',
        p_request: request,
      }),
    )
    expect(outcomes).toEqual({ ended: 1, sign_in: 5 })
    expect(await count('mcp_data.sessions where account_id = $1 and ended_at is null', [somebody.account_id])).toBe(1)
  })
})

test('M18 deleting an account while it is used: one deletes, and nothing of it is left', async () => {
  await eachRound(async () => {
    const somebody = await newPerson(database)
    const id = await connect(database, somebody, server)
    const { account_id } = somebody
    const windows = [await freshSession(database, somebody), await freshSession(database, somebody)]
    const transactions = [await open(database, somebody, { resource: server.server_url })]
    while (transactions.length < 4) transactions.push(await open(database, somebody, { resource: server.server_url }))
    const { outcomes } = await crowd(10, (caller) => {
      if (caller < 4) return decide(database, somebody, transactions[caller]?.id ?? '')
      if (caller < 7) return refresh(database, id, 1)
      const window = windows[caller % 2] ?? somebody
      return own(database, window, 'delete_own_account', { p_fresh_seconds: 900, p_request: request })
    })
    expect(outcomes.deleted).toBe(1)
    for (const table of ['accounts', 'sessions', 'connections', 'transactions']) {
      expect(await count(`mcp_data.${table} where account_id = $1`, [account_id]), table).toBe(0)
    }
    expect(await introspect(database, key, server, id)).toMatchObject({ reason: 'connection_unknown' })
  })
})

test('M18 J22 deleting an account while its passkey signs in and is reported lost: nobody is left signed in', async () => {
  await eachRound(async () => {
    const { person: owner, passkey } = await passkeyOwner(database)
    const browsers = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const browser = newBrowser()
        return { browser, transaction: await open(database, browser, asked) }
      }),
    )
    const { outcomes } = await crowd(12, (caller) => {
      const signsIn = browsers[caller]
      if (signsIn !== undefined) return verifyPasskey(database, signsIn.browser, signsIn.transaction.id, passkey)
      if (caller % 2 === 0) return reportLost(database, owner)
      return own(database, owner, 'delete_own_account', { p_fresh_seconds: 900, p_request: request })
    })
    expect(outcomes.deleted).toBe(1)
    for (const table of ['accounts', 'sessions', 'passkeys', 'lost_passkeys']) {
      expect([table, await count(`mcp_data.${table} where account_id = $1`, [owner.account_id])]).toEqual([table, 0])
    }
  })
})

test('M18 twenty that delete one account: one does it, and it is told once', async () => {
  await eachRound(async () => {
    const somebody = await newPerson(database)
    const { outcomes } = await crowd(callers, () =>
      own(database, somebody, 'delete_own_account', { p_fresh_seconds: 900, p_request: request }),
    )
    expect(outcomes).toEqual({ deleted: 1, sign_in: callers - 1 })
    const from = "mcp_data.audit_events where account_id = $1 and event = 'account.deleted'"
    expect(await count(from, [somebody.account_id])).toBe(1)
  })
})
