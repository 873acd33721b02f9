import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { addWebhook, recordMessage, takeMessages } from './support/webhooks.ts'

const database = await testDatabase()

async function message(): Promise<string> {
  const server = await addServer(database)
  await addWebhook(database, server)
  await connect(database, await newPerson(database), server)
  return (await takeMessages(database))[0]?.message_id ?? ''
}

test('delivered: it is not sent again', async () => {
  expect(await recordMessage(database, await message(), true)).toEqual({ outcome: 'delivered' })
  await database.passTime(86_400)
  expect(await takeMessages(database)).toEqual([])
})

test('waiting, then given_up: seven pauses that grow, eight tries', async () => {
  const id = await message()
  const pauses: number[] = []
  let outcome = 'waiting'
  for (let tries = 1; outcome === 'waiting'; tries += 1) {
    outcome = (await recordMessage(database, id, false)).outcome
    const [row] = await database.query(
      'select extract(epoch from next_attempt_at - last_attempt_at)::integer as pause, attempts from mcp_data.webhook_messages where message_id = $1',
      [id],
    )
    expect(row?.attempts).toBe(tries)
    if (outcome !== 'waiting') break
    pauses.push(Number(row?.pause))
    await database.passTime(Number(row?.pause))
    expect(await takeMessages(database)).toHaveLength(1)
  }
  expect(outcome).toBe('given_up')
  expect(pauses).toEqual([60, 300, 1800, 7200, 18_000, 36_000, 50_400])
})

test('not_found: its webhook was deleted meanwhile', async () => {
  expect(await recordMessage(database, 'msg_none', true)).toEqual({ outcome: 'not_found' })
})
