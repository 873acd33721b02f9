export type Row = Record<string, unknown>

/**
 * Runs SQL and gives the last statement's rows. Without `params` the text may hold several statements: they go out
 * in one message and PostgreSQL makes one transaction of them, so nothing has to be undone when one fails.
 */
export type Query = (sql: string, params?: readonly unknown[]) => Promise<Row[]>

/** A PostgreSQL, embedded or real. `query` acts as the superuser that opened it. */
export type Backend = { query: Query; close: () => Promise<void> }
