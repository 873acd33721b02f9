import { addServer, newPerson, type Person, type Server } from './builders.ts'
import { type Caller, sessionCaller } from './callers.ts'
import type { Answer, TestDatabase } from './database.ts'
import { request } from './values.ts'

export function offer(
  database: TestDatabase,
  server: Server,
  p_email: string | null,
  p_caller: Caller = server.caller,
) {
  return database.call('offer_server', { p_server_id: server.server_id, p_caller, p_email, p_request: request })
}

export function accept(
  database: TestDatabase,
  server_id: string,
  p_caller: Caller | null,
  changes: Record<string, unknown> = {},
): Promise<Answer> {
  return database.call('accept_server', {
    p_server_id: server_id,
    p_caller,
    p_revoke_keys: false,
    p_limits: { servers: 20, writes_per_hour: 60 },
    p_request: request,
    ...changes,
  })
}

/** A server that this person holds; its management token is no longer worth anything. */
export async function ownedServer(
  database: TestDatabase,
  changes: Record<string, unknown> = {},
  person?: Person,
): Promise<{ server: Server; owner: Person; caller: Caller }> {
  const owner = person ?? (await newPerson(database))
  const server = await addServer(database, { user_id: owner.account_id, ...changes })
  const answer = await accept(database, server.server_id, sessionCaller(owner))
  if (answer.outcome !== 'accepted') throw new Error(JSON.stringify(answer))
  return { server, owner, caller: sessionCaller(owner) }
}
