import { randomBytes } from 'node:crypto'
import type { Server } from './builders.ts'
import type { Answer, TestDatabase } from './database.ts'
import { request } from './values.ts'

/** A rule about clients of this server. */
export function addRule(
  database: TestDatabase,
  server: Pick<Server, 'server_id'> & { caller: unknown },
  rule: Record<string, unknown>,
): Promise<Answer> {
  return database.call('create_client_rule', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_rule: { rule_id: `rul_${randomBytes(6).toString('hex')}`, effect: 'block', ...rule },
    p_request: request,
  })
}
