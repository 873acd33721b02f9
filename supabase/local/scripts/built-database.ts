import type { Query } from '../src/backend.ts'
import { bootstrap } from '../src/bootstrap.ts'
import { applyMigrations } from '../src/migrations.ts'
import { openPglite } from '../src/pglite.ts'

/** Runs `work` on an embedded database in memory as a Supabase project has it before our first migration. */
export async function withEmptyDatabase<Result>(work: (query: Query) => Promise<Result>): Promise<Result> {
  const backend = await openPglite()
  try {
    await bootstrap(backend.query)
    return await work(backend.query)
  } finally {
    await backend.close()
  }
}

/** Runs `work` on an embedded database in memory that the migrations have built. */
export function withMigratedDatabase<Result>(work: (query: Query) => Promise<Result>): Promise<Result> {
  return withEmptyDatabase(async (query) => {
    await applyMigrations(query)
    return work(query)
  })
}
