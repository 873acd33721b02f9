import type { Answer, TestDatabase } from './database.ts'

/** Who operates, as the command line says it. */
export const operator = { request_id: 'ops_1', user_agent: 'ops by alice' }

/** Runs an operator's command. */
export function operate(
  database: TestDatabase,
  p_command: string,
  p_arguments: Readonly<Record<string, unknown>> = {},
  p_mode = 'do',
): Promise<Answer> {
  return database.callAsOperator('operate', { p_command, p_arguments, p_mode, p_request: operator })
}

export type Event = { event: string; reason: string | null; detail: Record<string, unknown> | null; user_agent: string }

/** The events of this kind, newest first. */
export async function eventsOf(database: TestDatabase, event: string): Promise<Event[]> {
  const rows = await database.query(
    'select event, reason, detail, user_agent, account_id, server_id, client_id from mcp_data.audit_events where event = $1 order by occurred_at desc',
    [event],
  )
  return rows as unknown as Event[]
}
