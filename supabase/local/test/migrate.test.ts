import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const program = join(import.meta.dirname, '../scripts/migrate.ts')

it('the migrations say in one sentence that the database does not answer', async () => {
  const env = { ADMIN_DATABASE_URL: 'postgres://nobody@127.0.0.1:9/x', AUTHENTICATOR_PASSWORD: 'a password' }
  const told = await new Promise((resolve) => {
    execFile(process.execPath, [program], { env }, (error, stdout, stderr) => resolve([error?.code, stdout, stderr]))
  })
  expect(told).toEqual([1, '', expect.stringMatching(/^The database does not answer: .*\.\n$/)])
})
