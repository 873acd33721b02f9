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
  addPasskey,
  answerChallenge,
  beginPasskey,
  byPasskey,
  newPasskey,
  passkeyOwner,
  passkeysOf,
  passWait,
  removeLost,
  reportLost,
  takeChallenge,
  verifyPasskey,
  waitSeconds,
} from '../../../supabase/tests/support/passkeys.ts'
import {
  catalogue,
  codeLimits,
  digest,
  id,
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

test('C2 N8 twenty wrong guesses at once, each at a code of its own: one address fails no oftener than its limit', async () => {
  const limits = {
    ...codeLimits,
    per_address_15_minutes: callers,
    per_address_day: callers,
    failures_per_account_day: 6,
  }
  await eachRound(async () => {
    const email = newEmail()
    const codes = await Promise.all(
      Array.from({ length: callers }, async () => {
        const browser = newBrowser()
        const transaction = await open(database, browser, { scope: ['openid'] })
        await sendCode(database, browser, transaction.id, email, '12345678', { p_limits: limits })
        return { browser, transaction }
      }),
    )
    const guess = (caller: number, code: string) => {
      const { browser, transaction } = codes[caller % callers] ?? { browser: newBrowser(), transaction: { id: '' } }
      return verifyCode(database, browser, transaction.id, code, { p_limits: limits })
    }
    // A right code is no failure, whoever fails beside it.
    expect((await guess(0, '12345678')).outcome).toBe('verified')
    const { outcomes } = await crowd(callers - 1, (caller) => guess(caller + 1, '00000000'))
    expect(outcomes).toEqual({ wrong: 6, limited: callers - 7 })
  })
})

test('A30 N8 one challenge for twenty answers of a passkey: each finds another one', async () => {
  const person = await newPerson(database)
  const passkey = await addPasskey(database, person)
  await eachRound(async () => {
    const browser = newBrowser()
    const transaction = await open(database, browser, { scope: ['openid'] })
    const { answers } = await crowd(callers, () =>
      takeChallenge(database, browser, transaction.id, passkey.credential_id),
    )
    const found = answers.map(({ passkey_round }) => Number(passkey_round)).sort((one, other) => one - other)
    expect(found).toEqual(Array.from({ length: callers }, (_value, round) => round))
  })
})

test('N8 a passkey that counts signs in once for each count, whatever comes at once (WebAuthn Level 3 §7.2, step 22)', async () => {
  const person = await newPerson(database)
  const passkey = await addPasskey(database, person, { sign_count: 1 })
  let sign_count = 1
  await eachRound(async () => {
    sign_count += 1
    const browsers = await Promise.all(
      Array.from({ length: callers }, async () => {
        const browser = newBrowser()
        return { browser, transaction: await open(database, browser, { scope: ['openid'] }) }
      }),
    )
    const { outcomes } = await crowd(callers, (caller) => {
      const { browser, transaction } = browsers[caller] ?? { browser: newBrowser(), transaction: { id: '' } }
      return verifyPasskey(database, browser, transaction.id, passkey, { p_proof: { sign_count, backed_up: false } })
    })
    expect(outcomes).toEqual({ verified: 1, refused: callers - 1 })
  })
})

test('N8 one answer for a new passkey from twenty callers is kept once', async () => {
  const { person: owner, passkey } = await passkeyOwner(database)
  const person = await byPasskey(database, owner, passkey)
  await eachRound(async () => {
    await database.query('delete from mcp_data.passkeys where account_id = $1 and passkey_id <> $2', [
      person.account_id,
      passkey.passkey_id,
    ])
    const challenge = id()
    await beginPasskey(database, person, challenge)
    const { outcomes } = await crowd(callers, () => answerChallenge(database, person, challenge, newPasskey()))
    expect(outcomes).toEqual({ added: 1, challenge_gone: callers - 1 })
  })
})

test('J22 N8 ten sign-ins with a passkey while ten remove it as lost: either all of them sign in, or none does', async () => {
  const half = callers / 2
  const seen = new Set<string>()
  await eachRound(async (number) => {
    const { person, passkey } = await passkeyOwner(database)
    await reportLost(database, person)
    await passWait(database, person, waitSeconds)
    const browsers = await Promise.all(
      Array.from({ length: half }, async () => {
        const browser = newBrowser()
        return { browser, transaction: await open(database, browser, { scope: ['openid'] }) }
      }),
    )
    // Who is asked first takes turns.
    const ask = (caller: number) => {
      const signsIn = browsers[number % 2 === 0 ? caller : caller - half]
      if (signsIn === undefined) return removeLost(database, person)
      return verifyPasskey(database, signsIn.browser, signsIn.transaction.id, passkey)
    }
    // In the first two rounds the first one is waited for, so that both ends are seen on any machine.
    const early = number < 2 ? await ask(0) : undefined
    const { outcomes } = await crowd(callers, async (caller) => (caller === 0 && early) || ask(caller))
    const isKept = (await passkeysOf(database, person)).length === 1
    expect(outcomes).toEqual(
      isKept ? { verified: half, not_due: half } : { removed: 1, not_due: half - 1, passkey_unknown: half },
    )
    seen.add(isKept ? 'kept' : 'removed')
  })
  expect([...seen].sort()).toEqual(['kept', 'removed'])
})

test('J22 N8 twenty first passkeys at once, by codes: one is made, and guards the account from then on', async () => {
  await eachRound(async () => {
    const person = await newPerson(database)
    const sessions = await Promise.all(
      Array.from({ length: callers }, async () => {
        const session = await freshSession(database, person)
        const challenge = id()
        await beginPasskey(database, session, challenge)
        return { session, challenge }
      }),
    )
    const { outcomes } = await crowd(callers, (caller) => {
      const { session, challenge } = sessions[caller] ?? { session: newBrowser(), challenge: '' }
      return answerChallenge(database, session, challenge, newPasskey())
    })
    expect(outcomes).toEqual({ added: 1, not_fresh: callers - 1 })
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
