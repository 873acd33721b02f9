import type { Query } from 'auth-agent-mcp-local/src/backend.ts'
import { type Listening, listen, readBody } from 'auth-agent-mcp-local/src/http.ts'

const limitBytes = 100_000

/**
 * Superuser SQL over loopback, for tests inside workerd: what no caller can do, such as ageing a row or disabling an
 * account. Tests only; the Worker has no such way.
 */
export function openSqlSurface(query: Query): Promise<Listening> {
  return listen(
    async (request, response) => {
      try {
        const { sql, params } = JSON.parse((await readBody(request, limitBytes)) ?? '') as {
          sql: string
          params: unknown[]
        }
        response.end(JSON.stringify(await query(sql, params)))
      } catch (error) {
        response.writeHead(400).end(String(error))
      }
    },
    0,
    'the SQL surface of tests',
  )
}
