import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  addServer,
  decide,
  newBrowser,
  newPerson,
  open,
  sendCode,
  verifyCode,
} from '../../../supabase/tests/support/builders.ts'
import { freshSession } from '../../../supabase/tests/support/connections.ts'
import { testDatabase } from '../../../supabase/tests/support/database.ts'
import {
  catalogue,
  digest,
  keyId,
  newEmail,
  publicPart,
  request,
  serverId,
} from '../../../supabase/tests/support/values.ts'
import { callers, crowd, eachRound } from './crowd.ts'

const database = await testDatabase()

const count = async (sql: string, values: unknown[]): Promise<number> => {
  const rows = await database.query(`select count(*)::integer as n from ${sql}`, values)
  return Number(rows[0]?.n)
}

test('C4 N8 the right code from twenty callers signs in once (OWASP ASVS 6.5.1)', async () => {
  await eachRound(async () => {
    const browser = newBrowser()
    const email = newEmail()
    const transaction = await open(database, browser, { scope: ['openid'] })
    await sendCode(database, browser, transaction.id, email)
    const { outcomes } = await crowd(callers, (caller) =>
      verifyCode(database, browser, transaction.id, '12345678', {
        p_session_digest: digest(`${browser.session} ${caller}`),
      }),
    )
    expect(outcomes.verified).toBe(1)
    const from = 'mcp_data.sessions s join mcp_data.accounts a using (account_id) where a.email = $1'
    expect(await count(from, [email])).toBe(1)
  })
})

test('C3 N8 twenty wrong guesses at once: five are compared, and then the code is dead', async () => {
  await eachRound(async () => {
    const browser = newBrowser()
    const transaction = await open(database, browser, { scope: ['openid'] })
    await sendCode(database, browser, transaction.id, newEmail())
    const { outcomes } = await crowd(callers, () => verifyCode(database, browser, transaction.id, '00000000'))
    // The fifth wrong guess is told that it was the last.
    expect(outcomes).toEqual({ wrong: 4, exhausted: callers - 4 })
    expect(await count('mcp_data.email_challenges where transaction_id = $1 and attempts = 5', [transaction.id])).toBe(
      1,
    )
    expect((await verifyCode(database, browser, transaction.id)).outcome).toBe('exhausted')
  })
})

test('A29 N8 consent from twenty callers gives one code', async () => {
  const person = await newPerson(database)
  const server = await addServer(database)
  await eachRound(async () => {
    const browser = await freshSession(database, person)
    const transaction = await open(database, browser, { resource: server.server_url })
    const before = await count('mcp_data.connections where account_id = $1', [person.account_id])
    const { outcomes } = await crowd(callers, () => decide(database, browser, transaction.id))
    expect(outcomes).toEqual({ approved: 1, transaction_gone: callers - 1 })
    expect(await count('mcp_data.connections where account_id = $1', [person.account_id])).toBe(before + 1)
  })
})

test('J24 twenty keys at once: ten are made', async () => {
  await eachRound(async () => {
    const server = await addServer(database)
    const { outcomes } = await crowd(callers, () => {
      const key_id = keyId()
      return database.call('create_key', {
        p_server_id: server.server_id,
        p_caller: server.caller,
        p_key: { key_id, digest: digest(key_id), kid: 'k1', name: 'key', last_four: 'abcd' },
        p_limits: { keys: 10 },
        p_request: request,
      })
    })
    expect(outcomes).toEqual({ created: 10, limited: callers - 10 })
  })
})

test('N9 one URL from twenty callers: one verified server holds it', async () => {
  await eachRound(async () => {
    const server_url = `https://${randomBytes(6).toString('hex')}.example/mcp`
    const { outcomes } = await crowd(callers, () => {
      const public_part = publicPart()
      return database.call('register_server', {
        p_server_id: serverId(),
        p_server: { server_url, server_name: 'Files', scopes: catalogue, share_email: true },
        p_status: 'verified',
        p_management: { public_part, digest: digest(public_part), kid: 'k1' },
        p_caller: null,
        p_limits: { servers: 20 },
        p_request: request,
      })
    })
    expect(outcomes).toEqual({ registered: 1, server_url_taken: callers - 1 })
    expect(await count("mcp_data.servers where server_url = $1 and status = 'verified'", [server_url])).toBe(1)
  })
})
