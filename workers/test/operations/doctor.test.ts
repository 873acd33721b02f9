import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { keyOf, openPlace, type Place, runProgram } from './place.ts'

let place: Place
let whole: string
beforeAll(async () => {
  place = await openPlace()
  whole = await readFile(place.envFile, 'utf8')
})
afterAll(() => place?.close())
beforeEach(() => writeFile(place.envFile, whole))

type Finding = { check: string; state: string; text: string; mend?: string }

async function findings(...more: string[]): Promise<Finding[]> {
  const { stdout } = await place.ops(['doctor', '--json', ...more])
  return (JSON.parse(stdout) as { findings: Finding[] }).findings
}

const wrong = async () => (await findings()).filter(({ state }) => state === 'bad' || state === 'warning')

/** Changes one variable of the file, and not of what runs. */
async function change(name: string, value: string | undefined): Promise<void> {
  const line = value === undefined ? '' : `${name}='${value}'`
  await writeFile(
    place.envFile,
    whole.replace(new RegExp(`^${name}=.*$`, 'm'), () => line),
  )
}

async function damaged(sql: string, repair: string): Promise<Finding[]> {
  await place.database.query(sql)
  try {
    return await wrong()
  } finally {
    await place.database.query(repair)
  }
}

describe('doctor', () => {
  it('finds a whole deployment good, in every check', async () => {
    const all = await findings()
    expect(all.filter(({ state }) => state !== 'good')).toEqual([])
    expect(all.map(({ check }) => check)).toEqual([
      ...['configuration', 'access of the Worker', 'database', 'schema version', 'functions and grants'],
      ...['roles and tables', 'PostgreSQL', 'clock of the database', 'switches', 'mail'],
      ...['server reachable', 'server ready', 'metadata', 'signing keys', 'clock of the server'],
    ])
    expect((await place.ops(['doctor'])).code).toBe(0)
  })

  it('names every variable that is wrong by the rules of the start, and never a value (SECURITY §7)', async () => {
    await writeFile(place.envFile, whole.replace(/^(COOKIE_KEYS|EMAIL_SENDER)=.*$/gm, "$1='hunter2'"))
    const { stderr, code } = await place.ops(['doctor'])
    expect(code).toBe(1)
    expect(stderr).toContain('✗ configuration: COOKIE_KEYS must be one or two kid:key pairs')
    expect(stderr).toContain('✗ configuration: EMAIL_SENDER must be resend, cloudflare or webhook')
    expect(stderr).toContain('- access of the Worker: needs a whole configuration')
    expect(stderr).not.toContain('hunter2')
  })

  it('warns of a key of the Worker that may more than it must (N4), and refuses one of strangers', async () => {
    await change('SUPABASE_KEY', place.database.keys.service)
    expect(await wrong()).toMatchObject([
      { check: 'access of the Worker', state: 'warning', text: expect.stringContaining('acts as service_role') },
    ])
    await change('SUPABASE_KEY', `${await keyOf(place, 'mcp_worker')}x`)
    expect(await wrong()).toMatchObject([
      { check: 'access of the Worker', state: 'bad', text: 'SUPABASE_KEY is not a key of this project' },
    ])
  })

  it('sees that nobody answers where the mail goes, and where the server should be', async () => {
    await change('EMAIL_WEBHOOK_URL', 'http://127.0.0.1:9/mail')
    expect(await wrong()).toMatchObject([{ check: 'mail', text: expect.stringContaining('does not answer') }])
    await change('ISSUER', 'http://localhost:9')
    const checks = (await wrong()).map(({ check }) => check)
    expect(checks).toEqual(['server reachable', 'server ready', 'metadata', 'signing keys', 'clock of the server'])
  })

  it('sees that another server answers under this name', async () => {
    const text = await readFile(place.envFile, 'utf8')
    await writeFile(place.envFile, text.replace('http://localhost:', 'http://127.0.0.1:'))
    expect(await wrong()).toContainEqual(expect.objectContaining({ check: 'metadata' }))
  })

  it('sees a key in the file that does not run', async () => {
    await place.ops(['keys', 'rotate', 'signing_keys'])
    expect(await wrong()).toMatchObject([
      { check: 'signing keys', text: expect.stringContaining('the file is newer than what runs') },
    ])
  })

  it.each([
    [
      'grant execute on function mcp.revoke_key(text, text, jsonb, jsonb) to anon',
      'revoke execute on function mcp.revoke_key(text, text, jsonb, jsonb) from anon',
      ['functions and grants', 'roles and tables'],
    ],
    [
      "update mcp_data.settings set schema_version = '20200101000000'",
      `update mcp_data.settings set schema_version = (select max(version) from mcp_local.migrations)`,
      ['schema version', 'server ready'],
    ],
    [
      'update mcp_data.settings set documents_are_on = false',
      'update mcp_data.settings set documents_are_on = true',
      ['switches'],
    ],
    [
      'revoke execute on function mcp.read_readiness() from mcp_worker',
      'grant execute on function mcp.read_readiness() to mcp_worker',
      ['access of the Worker', 'functions and grants', 'server ready'],
    ],
  ])('sees what was done by hand: %s', async (sql, repair, checks) => {
    const found = await damaged(sql, repair)
    expect([...new Set(found.map(({ check }) => check))]).toEqual(checks)
    expect(found.every(({ mend }) => mend !== undefined && mend.length > 10)).toBe(true)
  })

  it('looks at the rest where the database cannot be reached', async () => {
    const { stdout, code } = await place.ops(['doctor', '--json'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/x' })
    const states = Object.fromEntries(
      (JSON.parse(stdout) as { findings: Finding[] }).findings.map(({ check, state }) => [check, state]),
    )
    expect([code, states.database, states['schema version'], states['server ready'], states.configuration]).toEqual([
      1,
      'bad',
      'skipped',
      'good',
      'good',
    ])
  })

  it('asks what to look at where nothing says so', async () => {
    const { code, stderr } = await runProgram('workers/operations/ops.ts', ['doctor'])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^Say what to look at: --env-file .*\n$/)])
  })
})
