import pg from 'pg'
import type { Backend, Row } from './backend.ts'

const int8Oid = 20

/** Opens a real PostgreSQL through a pool of at most `connections` (20) connections. */
export function openPool(databaseUrl: string, connections = 20): Backend {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: connections,
    application_name: 'auth-agent-mcp-local',
    types: { getTypeParser: typeParser },
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
