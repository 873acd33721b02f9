import * as fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import {
  connect,
  house,
  isActive,
  type Owner,
  openServer,
  refresh,
  type Tokens,
  tokensOf,
} from '../support/worker/flow.ts'
import type { Answer } from '../support/worker/house.ts'
import { changeConnection, connectionOf, eventsOf, sql } from '../support/worker/sql.ts'
import type { Fields } from '../worker/requests.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

const dead = [400, 'invalid_grant']
const refusal = ({ status, json }: Answer) => [status, json?.error]
const rotate = async (token: string, fields: Fields = {}) => tokensOf(await refresh(token, fields))

async function expectDead(tokens: Tokens): Promise<void> {
  expect(refusal(await refresh(tokens.refresh_token))).toEqual(dead)
  expect(await isActive(owner, tokens.access_token)).toBe(false)
}

it('G1 gives a new token at each use, and the old one is dead once the new one was used (OAuth 2.1 §4.3.1)', async () => {
  const first = await connect(owner)
  const second = await rotate(first.refresh_token)
  const third = await rotate(second.refresh_token)
  expect(new Set([first, second, third].map(({ refresh_token }) => refresh_token)).size).toBe(3)
  expect(refusal(await refresh(first.refresh_token))).toEqual(dead)
})

it('G2 ends the connection when an old token comes back after its successor was used, and says so (RFC 9700 §4.14)', async () => {
  const first = await connect(owner)
  const second = await rotate(first.refresh_token)
  const third = await rotate(second.refresh_token)
  const reuse = await refresh(first.refresh_token)
  expect(reuse.json?.error_uri).toContain('#refresh_reused')
  await expectDead(third)
  expect(await eventsOf(first.code)).toEqual(expect.arrayContaining(['refresh.reused', 'connection.revoked']))
})

it('G2 changes nothing for an invented token of the same connection', async () => {
  const first = await connect(owner)
  const invented = `mrt_${connectionOf(first.code)}.1.${'A'.repeat(43)}`
  expect(refusal(await refresh(invented))).toEqual(dead)
  expect((await refresh(first.refresh_token)).status).toBe(200)
})

it('G3 gives one successor to parallel callers', async () => {
  const first = await connect(owner)
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(first.refresh_token)))
  const given = answers.filter(({ status }) => status === 200)
  expect(new Set(given.map((answer) => tokensOf(answer).refresh_token)).size).toBe(1)
  // The first and its ten retries; the eleventh is reuse.
  expect(given).toHaveLength(11)
})

it('G4 is made good: the predecessor gets the same successor and a fresh access token (SECURITY §19)', async () => {
  const first = await connect(owner)
  const second = await rotate(first.refresh_token)
  const again = await rotate(first.refresh_token)
  expect(again.refresh_token).toBe(second.refresh_token)
  expect(again.access_token).not.toBe(second.access_token)
  expect(await isActive(owner, again.access_token)).toBe(true)
  expect(await eventsOf(first.code)).toContain('refresh.retried')
})

it('G4 is made good ten times, and the eleventh retry ends the connection', async () => {
  const first = await connect(owner)
  const second = await rotate(first.refresh_token)
  for (let retry = 0; retry < 10; retry++) {
    expect((await rotate(first.refresh_token)).refresh_token).toBe(second.refresh_token)
  }
  expect(refusal(await refresh(first.refresh_token))).toEqual(dead)
  await expectDead(second)
})

it('G4 is made good within the window only: later it is reuse', async () => {
  const first = await connect(owner)
  const second = await rotate(first.refresh_token)
  // Not to the second: the database's clock goes on. Where the window ends exactly is told by the configuration.
  expect(house.dependencies.config.limits.refresh_retry_seconds).toBe(120)
  await changeConnection(first.code, "rotated_at = now() - interval '60 seconds'")
  expect((await rotate(first.refresh_token)).refresh_token).toBe(second.refresh_token)
  await changeConnection(first.code, "rotated_at = now() - interval '121 seconds'")
  expect(refusal(await refresh(first.refresh_token))).toEqual(dead)
  await expectDead(second)
})

it('G4 is not made good once the successor was used', async () => {
  const first = await connect(owner)
  const second = await rotate(first.refresh_token)
  const third = await rotate(second.refresh_token)
  expect(refusal(await refresh(first.refresh_token))).toEqual(dead)
  await expectDead(third)
})

it('G5 never leaves two live tokens, whatever the order of uses', async () => {
  // Each step presents one of the tokens seen so far; whoever gets a token is holding the only live one.
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 3 }), { maxLength: 7 }), async (steps) => {
      const first = await connect(owner)
      const seen = [first.refresh_token]
      for (const step of steps) {
        const answer = await refresh(seen[Math.min(step, seen.length - 1)] ?? '')
        if (answer.status === 200 && !seen.includes(tokensOf(answer).refresh_token))
          seen.unshift(tokensOf(answer).refresh_token)
      }
      const [row] = await sql('select generation from mcp_data.connections where connection_id = $1', [
        connectionOf(first.code),
      ])
      expect(row?.generation).toBe(seen.length)
    }),
    { numRuns: 12 },
  )
})

it('G6 leaves nothing readable in the row, and nothing at all once the successor was used', async () => {
  const first = await connect(owner)
  const second = await rotate(first.refresh_token)
  const row = async () =>
    (
      await sql('select c::text as row, successor_ciphertext from mcp_data.connections c where connection_id = $1', [
        connectionOf(first.code),
      ])
    )[0]
  const secret = second.refresh_token.slice(-43)
  expect(String((await row())?.row)).not.toContain(secret)
  const before = (await row())?.successor_ciphertext
  await rotate(second.refresh_token)
  // A new ciphertext, under the key of the second token: the one for the first token is gone.
  expect((await row())?.successor_ciphertext).not.toEqual(before)
})
