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
    const { outcomes } = await crowd(callers, () => exchange(database, connectionId))
    expect(outcomes.exchanged).toBe(1)
    // The first replay revokes; those after it find the connection revoked or are replays themselves.
    expect((outcomes.code_replayed ?? 0) + (outcomes.connection_revoked ?? 0)).toBe(callers - 1)
    expect(outcomes.code_replayed).toBeGreaterThanOrEqual(1)
    expect(await isRevoked(connectionId)).toBe(true)
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

test('G3 one refresh token, twenty callers: one new generation at most, and retries beyond ten are reuse', async () => {
  await eachRound(async () => {
    const connectionId = await connect(database, person, server)
    const { outcomes } = await crowd(callers, (caller) =>
      refresh(database, connectionId, 1, ownSuccessor(connectionId, 1, caller)),
    )
    expect(outcomes.rotated).toBe(1)
    expect(outcomes.retried).toBe(10)
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

test('G5 after any interleaving of refreshes at most one refresh token of a connection is live', async () => {
  const moves = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(moves, fc.boolean(), async (backs, isParallel) => {
      const connectionId = await connect(database, person, server)
      let newest = 1
      const present = async (back: number) => {
        const answer = await refresh(database, connectionId, Math.max(1, newest - back))
        if (answer.outcome === 'rotated') newest += 1
      }
      if (isParallel) await Promise.all(backs.map(present))
      else for (const back of backs) await present(back)
      const generation = await generationOf(connectionId)
      const alive: number[] = []
      // Used from the oldest on: a live one would rotate.
      for (let candidate = 1; candidate <= generation; candidate++) {
        const { outcome } = await refresh(database, connectionId, candidate)
        if (outcome === 'rotated') alive.push(candidate)
      }
      expect(alive.length).toBeLessThanOrEqual(1)
    }),
    { numRuns: 50 },
  )
})
