import pg from 'pg'
import type { Backend, Row } from './backend.ts'

const int8Oid = 20

/** The database cannot be reached, or lets nobody in. The message is one sentence for a person. */
export class NoAnswer extends Error {
  constructor(cause: unknown) {
    super(`The database does not answer: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause })
  }
}

/** How long the pool waits, in milliseconds; without a limit it waits for ever. */
export type PoolPatience = {
  /** For a connection: a new one, or one that others use. */
  readonly connectMs: number
  /** For the answer to a query. The connection is given up afterwards, because nobody knows what state it is in. */
  readonly queryMs: number
}

/**
 * Of a service: below the 5 s that the Worker waits in all, so that no call is done after its caller has given up, and so that
 * a database which has gone away without a word does not keep every connection. The queries themselves end at the role's
 * statement_timeout of 3 s.
 */
export const servicePatience: PoolPatience = { connectMs: 800, queryMs: 3_900 }

/** Opens a real PostgreSQL through a pool of at most `connections` (20) connections. */
export function openPool(databaseUrl: string, connections = 20, patience?: PoolPatience): Backend {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: connections,
    application_name: 'auth-agent-mcp-local',
    types: { getTypeParser: typeParser },
    ...(patience !== undefined && {
      connectionTimeoutMillis: patience.connectMs,
      query_timeout: patience.queryMs,
      keepAlive: true,
    }),
  })
  // Without a listener a connection that dies while idle ends the whole process.
  pool.on('error', () => {})
  return {
    query: async (sql, params) => {
      if (params === undefined) return lastRows(await pool.query<Row>(sql))
      return (await pool.query<Row>(sql, [...params])).rows
    },
    close: () => pool.end(),
  }
}

// Counts and Unix seconds fit a number; PGlite gives numbers too, so both backends answer alike.
function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === int8Oid ? Number : pg.types.getTypeParser(oid, format)
}

// Several statements in one text give an array of results, which pg's types don't say.
function lastRows(result: pg.QueryResult<Row> | pg.QueryResult<Row>[]): Row[] {
  return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows
}
