import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Rehearsal, rehearse } from '../rehearse.ts'
import { root } from '../versions.ts'

// What nobody may notice while a schema is ahead: is it ready, can a person approve, can a client go on. The workflow of a release
// runs all files of the Worker's tests this way.
const files = ['test/worker/health.test.ts', 'test/worker/token.test.ts', 'test/worker/consent.test.ts']

const breaking = mkdtempSync(join(tmpdir(), 'breaking-'))
afterAll(() => rmSync(breaking, { recursive: true }))

/** What went wrong is told where a test fails. */
async function rehearseQuietly(rehearsal: Rehearsal, names: readonly string[]) {
  let output = ''
  const status = await rehearse(rehearsal, names, (text) => {
    output += text
  })
  return { status, output }
}

const next = join(root, 'release/next')

test('this Worker runs on a schema that is one expand step ahead', async () => {
  const { status, output } = await rehearseQuietly({ tag: null, more: next }, files)
  expect(status, output).toBe(0)
  expect(output).toContain(
    'The Worker of this checkout (there is no release yet), on the schema up to 29991231000000_next.sql',
  )
})

test('a Worker of another commit runs with its own tests, from a checkout of its own', async () => {
  const { status, output } = await rehearseQuietly({ tag: 'HEAD', more: next }, files.slice(0, 1))
  expect(status, output).toBe(0)
})

test('a schema that takes away what the Worker calls is found out', async () => {
  const sql = `alter function mcp.rotate_refresh_token rename to rotate;
    update mcp_data.settings set schema_version = '29991231000000';`
  writeFileSync(join(breaking, '29991231000000_breaking.sql'), sql)
  const { status, output } = await rehearseQuietly({ tag: null, more: breaking }, files.slice(1, 2))
  expect(status).not.toBe(0)
  expect(output).toContain('rotates and names the scope')
})
