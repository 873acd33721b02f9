import { availableParallelism } from 'node:os'
import type { TestProject } from 'vitest/node'
import { bootstrap } from '../../local/src/bootstrap.ts'
import { applyMigrations } from '../../local/src/migrations.ts'
import { openPool } from '../../local/src/pool.ts'
import { createDatabase, dropDatabase, startPostgres } from '../../local/src/postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string
    templateName: string
  }
}

let tearDown: () => Promise<void>

/** One PostgreSQL for the whole run (DATABASE_URL, else one of our own), and a migrated database that each file copies. */
export async function setup(project: TestProject): Promise<void> {
  // A file has thirty connections at most, and there are as many at a time as there are processors, or three.
  const connections = 32 * Math.max(4, availableParallelism())
  const postgres = await startPostgres({ max_connections: String(connections) })
  const template = await createDatabase(postgres.url)
  const backend = openPool(template, 1)
  await bootstrap(backend.query)
  await applyMigrations(backend.query)
  await backend.close()
  project.provide('postgresUrl', postgres.url)
  project.provide('templateName', new URL(template).pathname.slice(1))
  tearDown = async () => {
    await dropDatabase(template)
    await postgres.close()
  }
}

export async function teardown(): Promise<void> {
  await tearDown()
}
