// Brings a real PostgreSQL to this version: roles, schemas, functions; and lets `authenticator` log in.
import { join } from 'node:path'
import { bootstrap } from '../src/bootstrap.ts'
import { applyMigrations, MigrationConflict, migrationsFolder } from '../src/migrations.ts'
import { NoAnswer, openPool } from '../src/pool.ts'
import { environment } from './environment.ts'

const { ADMIN_DATABASE_URL, AUTHENTICATOR_PASSWORD } = environment({
  ADMIN_DATABASE_URL: 'the URL of the database for a role that may make roles (a superuser)',
  AUTHENTICATOR_PASSWORD: 'the password that the RPC surface logs in with',
})

// Beside the built program, else in the checkout.
const folder = import.meta.filename.endsWith('.mjs') ? join(import.meta.dirname, 'migrations') : migrationsFolder

const backend = openPool(ADMIN_DATABASE_URL, 1)
try {
  await backend.query('select 1').catch((error: unknown) => Promise.reject(new NoAnswer(error)))
  await bootstrap(backend.query)
  const applied = await applyMigrations(backend.query, folder)
  // The password as a parameter cannot be part of the command, so the database quotes it.
  const [row] = await backend.query(
    "select format('alter role authenticator login password %L', $1::text) as command",
    [AUTHENTICATOR_PASSWORD],
  )
  await backend.query(String(row?.command))
  console.log(applied.length === 0 ? 'Nothing to do.' : `Applied ${applied.join(', ')}.`)
} catch (error) {
  if (!(error instanceof MigrationConflict || error instanceof NoAnswer)) throw error
  console.error(error.message)
  process.exitCode = 1
} finally {
  await backend.close()
}
