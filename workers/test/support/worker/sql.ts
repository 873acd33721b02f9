import { inject } from 'vitest'

/** Runs SQL as the superuser: what no caller can do, such as ageing a row. */
export async function sql(text: string, params: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
  const response = await fetch(inject('sqlUrl'), { method: 'POST', body: JSON.stringify({ sql: text, params }) })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Record<string, unknown>[]
}

/** The connection that a code, a refresh token or an access token belongs to. */
export function connectionOf(token: string): string {
  const found = /^(?:mac|mrt)_([A-Za-z0-9_-]{22})\./.exec(token)?.[1]
  if (found !== undefined) return found
  const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as {
    jti: string
  }
  return claims.jti.slice(0, 22)
}

/** Changes columns of the connection of a token; the values are SQL. */
export async function changeConnection(token: string, assignments: string): Promise<void> {
  await sql(`update mcp_data.connections set ${assignments} where connection_id = $1`, [connectionOf(token)])
}

/** The audit events of a connection, oldest first. */
export async function eventsOf(token: string): Promise<string[]> {
  const text = 'select event from mcp_data.audit_events where connection_id = $1 order by occurred_at'
  return (await sql(text, [connectionOf(token)])).map(({ event }) => String(event))
}
