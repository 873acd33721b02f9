import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { addServer, newPerson, type Person, type Server } from '../../../supabase/tests/support/builders.ts'
import { approve, connect, exchange, refresh } from '../../../supabase/tests/support/connections.ts'
import { testDatabase } from '../../../supabase/tests/support/database.ts'
import { digest } from '../../../supabase/tests/support/values.ts'
import { callers, crowd, eachRound } from './crowd.ts'

const database = await testDatabase()
let person: Person
let server: Server

beforeAll(async () => {
  person = await newPerson(database)
  server = await addServer(database)
})

const isRevoked = async (connectionId: string): Promise<boolean> => {
  const rows = await database.query(
    'select revoked_at is not null as revoked from mcp_data.connections where connection_id = $1',
    [connectionId],
  )
  return rows[0]?.revoked === true
}

const generationOf = async (connectionId: string): Promise<number> => {
  const rows = await database.query('select generation from mcp_data.connections where connection_id = $1', [
    connectionId,
  ])
  return Number(rows[0]?.generation)
}

/** Each caller has drawn a successor of its own, as a Worker does. */
const ownSuccessor = (connectionId: string, generation: number, caller: number) => ({
  p_successor_digest: digest(`refresh ${connectionId} ${generation + 1} of ${caller}`),
  p_successor_ciphertext: `\\x${Buffer.from(`sealed ${caller}`).toString('hex')}`,
})

test('F3 N8 one code, twenty callers: one exchange, and the valid replays end its connection (RFC 6749 §4.1.2)', async () => {
  await eachRound(async () => {
    const connectionId = await approve(database, person, server)
    const { answers, outcomes } = await crowd(callers, (caller) =>
      exchange(database, connectionId, { p_refresh_digest: digest(`refresh ${connectionId} of ${caller}`) }),
    )
    expect(outcomes).toEqual({ exchanged: 1, code_replayed: callers - 1 })
    expect(await isRevoked(connectionId)).toBe(true)
    const winner = answers.findIndex(({ outcome }) => outcome === 'exchanged')
    const token = { p_token_digests: [digest(`refresh ${connectionId} of ${winner}`)] }
    expect((await refresh(database, connectionId, 1, token)).outcome).toBe('connection_revoked')
  })
})

test('G3 N8 one refresh token, eleven callers: one new generation, and everybody gets the same successor', async () => {
  await eachRound(async () => {
    const connectionId = await connect(database, person, server)
    const { answers, outcomes } = await crowd(11, (caller) =>
      refresh(database, connectionId, 1, ownSuccessor(connectionId, 1, caller)),
    )
    expect(outcomes).toEqual({ rotated: 1, retried: 10 })
    const winner = answers.findIndex(({ outcome }) => outcome === 'rotated')
    const sealed = `\\x${Buffer.from(`sealed ${winner}`).toString('hex')}`
    const retried = answers.filter(({ outcome }) => outcome === 'retried')
    expect(new Set(retried.map((answer) => answer.successor_ciphertext))).toEqual(new Set([sealed]))
    expect(await generationOf(connectionId)).toBe(2)
    expect(await isRevoked(connectionId)).toBe(false)
  })
})

test('G3 one refresh token, twenty callers: one new generation, ten retries with its token, and the rest is reuse', async () => {
  await eachRound(async () => {
    const connectionId = await connect(database, person, server)
    const { answers, outcomes } = await crowd(callers, (caller) =>
      refresh(database, connectionId, 1, ownSuccessor(connectionId, 1, caller)),
    )
    expect(outcomes).toEqual({ rotated: 1, retried: 10, refresh_reused: 1, connection_revoked: 8 })
    const winner = answers.findIndex(({ outcome }) => outcome === 'rotated')
    const sealed = answers.filter(({ outcome }) => outcome === 'retried').map((answer) => answer.successor_ciphertext)
    expect(new Set(sealed)).toEqual(new Set([ownSuccessor(connectionId, 1, winner).p_successor_ciphertext]))
    expect(await generationOf(connectionId)).toBe(2)
    expect(await isRevoked(connectionId)).toBe(true)
  })
})

test('G4 the predecessor and its successor at once: never two live tokens', async () => {
  await eachRound(async () => {
    const connectionId = await connect(database, person, server)
    await refresh(database, connectionId, 1)
    const { outcomes } = await crowd(8, (caller) => refresh(database, connectionId, caller % 2 === 0 ? 1 : 2))
    // Whoever comes first: once the successor was used, its predecessor is reuse and everything dies.
    const died = await isRevoked(connectionId)
    expect(died).toBe((outcomes.refresh_reused ?? 0) > 0)
    expect(outcomes.rotated).toBeLessThanOrEqual(1)
    expect(await generationOf(connectionId)).toBeLessThanOrEqual(3)
  })
})

/** Digests of every token handed out that would still give a new one: the current digest of a connection that lives. */
async function liveAmong(connectionId: string, digests: readonly string[]): Promise<number> {
  const rows = await database.query(
    `select count(*)::integer as n from unnest($2::bytea[]) d
     join mcp_data.connections c on c.connection_id = $1 and c.revoked_at is null and c.refresh_digest = d`,
    [connectionId, digests],
  )
  return Number(rows[0]?.n)
}

type Held = { readonly generation: number; readonly digest: string }

test('G5 after any interleaving of refreshes at most one refresh token of a connection is live', async () => {
  const moves = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(moves, fc.boolean(), async (backs, isParallel) => {
      const connectionId = await connect(database, person, server)
      const held: Held[] = [{ generation: 1, digest: digest(`refresh ${connectionId} 1`) }]
      const present = async (back: number, caller: number) => {
        const token = held[Math.max(0, held.length - 1 - back)]
        if (token === undefined) return
        // A successor of the caller's own: two branches would be two digests.
        const successor = { generation: token.generation + 1, digest: digest(`${connectionId} of ${caller}`) }
        const changes = { p_token_digests: [token.digest], p_successor_digest: successor.digest }
        const { outcome } = await refresh(database, connectionId, token.generation, changes)
        if (outcome === 'rotated') held.push(successor)
      }
      if (isParallel) await Promise.all(backs.map(present))
      else for (const [caller, back] of backs.entries()) await present(back, caller)
      const live = await liveAmong(
        connectionId,
        held.map((token) => token.digest),
      )
      expect(live).toBe((await isRevoked(connectionId)) ? 0 : 1)
      // The predecessors of the live one never give a token of their own.
      const generations = held.map(({ generation }) => generation)
      expect(new Set(generations).size).toBe(generations.length)
    }),
    { numRuns: 50 },
  )
})
