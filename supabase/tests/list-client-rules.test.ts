import { expect, test } from 'vitest'
import { addServer } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { addRule } from './support/client-rules.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'

const database = await testDatabase()
const list = (p_server_id: string, p_caller: unknown) => database.call('list_client_rules', { p_server_id, p_caller })

test('found: those of this server, newest first', async () => {
  const server = await addServer(database)
  await addRule(database, await addServer(database), { host: 'other.example' })
  await addRule(database, server, { host: 'app.example' })
  await addRule(database, server, { effect: 'allow', client_id: 'client_claude_code' })
  expect(await list(server.server_id, server.caller)).toMatchObject({
    outcome: 'found',
    rules: [
      { effect: 'allow', client_id: 'client_claude_code' },
      { effect: 'block', host: 'app.example' },
    ],
  })
})

test('J3 not_found, scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner } = await ownedServer(database)
  expect(await list(server.server_id, (await addServer(database)).caller)).toEqual({ outcome: 'not_found' })
  const caller = await ownerCaller(database, owner, ['servers:write'])
  expect(await list(server.server_id, caller)).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
  for (const [, stranger] of strangers)
    expect(await list(server.server_id, stranger)).toEqual({ outcome: 'caller_unknown' })
  expect(await list(server.server_id, sessionCaller({ cookie: '', session: '' }))).toEqual({ outcome: 'sign_in' })
})
