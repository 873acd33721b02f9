import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Wrangler } from '../../deploy/wrangler.ts'
import { type DeployRun, type Finding, issuer, type NewProject, openNewProject, runIt } from './new-project.ts'

let place: NewProject
beforeAll(async () => {
  place = await openNewProject()
})
afterAll(() => place?.close())

const told = ({ findings }: DeployRun, state = 'bad') =>
  findings.filter((finding) => finding.state === state).map(({ check, text }) => `${check}: ${text}`)

/** Where the bundle is no question: making it takes seconds. */
const noWrangler: Wrangler = {
  check: () => ({ name: 'bundle', mend: 'It is not made.', run: async () => [] }),
  upload: () => Promise.reject(new Error('uploaded')),
}

/** Every finding that stops a deployment says in one sentence what puts it right. */
const areMended = (findings: readonly Finding[]) =>
  findings.every(({ state, mend }) => state !== 'bad' || (mend ?? '').length > 20)

describe('npm run deploy', () => {
  it('says how it is used', async () => {
    for (const [args, code] of [
      [[], 1],
      [['--help'], 0],
    ] as const) {
      expect(await runIt(args, { env: {} })).toMatchObject({
        code,
        stdout: expect.stringContaining('npm run deploy --'),
      })
    }
    expect(await runIt(['somewhere'], { env: {} })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Say one of local, staging, production.'),
    })
    const missing = await runIt(['production', '--file', '/nowhere/production.env'], { env: {} })
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('/nowhere/production.env cannot be read'),
    })
  })

  it('a dry run on an empty project finds all that can be known, and changes nothing', async () => {
    const run = await place.deploy(['--dry-run', '--json'])
    expect(told(run)).toEqual([])
    expect(told(run, 'warning')).toEqual([expect.stringMatching(/^migrations: to be applied: \d{14}, /)])
    expect(run.findings.map(({ check }) => check)).toEqual([
      ...['configuration', 'addresses', 'file of secrets', 'secrets of its own', 'wrangler.jsonc', 'bundle'],
      ...[
        'mail',
        'mail in our name',
        'account',
        'host',
        'Supabase project',
        'database login',
        'database of its own',
        'migrations',
      ],
    ])
    expect(run.end).toContain('It would migrate, deploy auth-agent-mcp-production to mcp.example.com')
    expect(await place.query("select to_regclass('mcp_data.settings') as there")).toEqual([{ there: null }])
    expect(place.cloudflare.state.bindings).toBeUndefined()
  })

  it('migrates, then stops where the schema is not exposed, and says where to click', async () => {
    place.project.db_schema = 'public, graphql_public'
    const run = await place.deploy(['--json'])
    expect(told(run)).toEqual(['exposed schemas: schema mcp is not exposed'])
    expect(run.findings.at(-1)?.mend).toContain('Exposed schemas: add mcp')
    expect([run.code, run.end]).toEqual([1, expect.stringContaining('nothing was deployed')])
    expect(place.cloudflare.state.bindings).toBeUndefined()
    place.project.db_schema = 'mcp'
  })

  it('deploys with the real wrangler, and what was uploaded answers as it should', async () => {
    const run = await place.deploy(['--json'])
    expect([told(run), run.stderr, run.end, run.code]).toEqual([[], '', `${issuer} is live.`, 0])
    expect(told(run, 'warning')).toEqual([])
    const { bindings, schedules, subdomain, domains } = place.cloudflare.state
    const typeOf = Object.fromEntries((bindings ?? []).map(({ name, type }) => [name, type]))
    expect(typeOf).toMatchObject({ ISSUER: 'plain_text', TOKEN_PEPPERS: 'secret_text', SUPABASE_KEY: 'secret_text' })
    for (const name of ['DATABASE_URL', 'CLOUDFLARE_API_TOKEN', 'SUPABASE_ACCESS_TOKEN'])
      expect(typeOf[name]).toBeUndefined()
    expect(schedules).toEqual([{ cron: '*/15 * * * *' }])
    expect(subdomain).toEqual({ enabled: false, previews_enabled: false })
    expect(domains).toEqual([{ hostname: 'mcp.example.com', service: 'auth-agent-mcp-production' }])
  })

  it('deploys again over what is there, with nothing to migrate', async () => {
    const run = await place.deploy()
    expect(run.stdout.split('\n').at(-2)).toBe(`${issuer} is live.`)
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining('There was nothing to migrate.')])
    const { TOKEN_PEPPERS = '' } = place.variables
    expect(run.stdout).not.toContain(TOKEN_PEPPERS.split(':')[1])
  })
})

describe('what is told and stops nothing', () => {
  it('N14 a database that others use too', async () => {
    await place.query('create table public.orders (id integer)')
    const run = await place.deploy(['--dry-run', '--json'], {}, noWrangler)
    await place.query('drop table public.orders')
    expect(told(run, 'warning')).toEqual(['database of its own: 1 tables of others are in schema public'])
    expect(run.code).toBe(0)
  })

  it('N4 a key of the Worker that may more than it must', async () => {
    const SUPABASE_KEY = place.serviceKey
    const run = await place.deploy(['--dry-run', '--json'], { SUPABASE_KEY }, noWrangler)
    expect(told(run, 'warning')).toEqual([
      expect.stringMatching(/^access of the Worker: SUPABASE_KEY acts as service_role/),
    ])
  })
})

describe('what stops a deployment, in a sentence each with what mends it', () => {
  it.each<[string, Record<string, string | undefined>, RegExp]>([
    ['a secret is missing', { TOKEN_PEPPERS: undefined }, /^configuration: TOKEN_PEPPERS is missing$/],
    [
      'a secret is weak',
      { COOKIE_KEYS: 'k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
      /^configuration: COOKIE_KEYS has an example/,
    ],
    [
      'a development switch',
      { DOCUMENTS_ALLOW_LOOPBACK: 'on' },
      /^configuration: DOCUMENTS_ALLOW_LOOPBACK needs an ISSUER/,
    ],
    ['the issuer is this machine', { ISSUER: 'http://localhost:9400' }, /^addresses: ISSUER is on loopback/],
    ['the database is this machine', { SUPABASE_URL: 'http://127.0.0.1:1' }, /^addresses: SUPABASE_URL is on loopback/],
    ['a port', { ISSUER: 'https://mcp.example.com:8443' }, /^addresses: ISSUER has a port/],
    [
      'no account',
      { CLOUDFLARE_ACCOUNT_ID: undefined },
      /^account: CLOUDFLARE_ACCOUNT_ID or CLOUDFLARE_API_TOKEN is missing/,
    ],
    [
      'another token',
      { CLOUDFLARE_API_TOKEN: 'other' },
      /^account: Cloudflare answers 403: Invalid access token \(9109\)/,
    ],
    [
      'a host that is not ours',
      { ISSUER: 'https://mcp.other.example' },
      /^host: no zone of this account holds mcp.other.example/,
    ],
    ['no database', { DATABASE_URL: undefined }, /^database login: DATABASE_URL is missing/],
    [
      'a token of Supabase that is old',
      { SUPABASE_ACCESS_TOKEN: 'sbp_old' },
      /^Supabase project: SUPABASE_ACCESS_TOKEN is not accepted/,
    ],
  ])('%s', async (_, changes, expected) => {
    const run = await place.deploy(['--json'], changes, noWrangler)
    expect(told(run)).toContainEqual(expect.stringMatching(expected))
    expect([run.code, run.end]).toEqual([1, 'Nothing was changed.'])
    expect(areMended(run.findings)).toBe(true)
  })

  it.each<[string, (state: NewProject) => void, RegExp]>([
    [
      'a zone that is not active',
      ({ cloudflare }) => (cloudflare.state.zones = [{ id: 'z', name: 'example.com', status: 'pending' }]),
      /^host: the zone example.com is pending/,
    ],
    [
      'a host of another Worker',
      ({ cloudflare }) => (cloudflare.state.domains = [{ hostname: 'mcp.example.com', service: 'shop' }]),
      /^host: mcp.example.com belongs to the Worker shop/,
    ],
    [
      'a host that leads elsewhere',
      ({ cloudflare }) => {
        cloudflare.state.domains = []
        cloudflare.state.dnsRecords = [{ type: 'A', name: 'mcp.example.com' }]
      },
      /^host: mcp.example.com has a A record/,
    ],
    [
      'a project that sleeps',
      ({ project }) => (project.status = 'INACTIVE'),
      /^Supabase project: the project is INACTIVE/,
    ],
    [
      'tables that are exposed',
      ({ project }) => (project.db_schema = 'mcp,mcp_data'),
      /^exposed schemas: schema mcp_data is exposed/,
    ],
  ])('%s', async (_, change, expected) => {
    const before = structuredClone([place.cloudflare.state, place.project])
    change(place)
    try {
      const run = await place.deploy(['--dry-run', '--json'], {}, noWrangler)
      expect(told(run)).toContainEqual(expect.stringMatching(expected))
      expect(areMended(run.findings)).toBe(true)
    } finally {
      Object.assign(place.cloudflare.state, before[0])
      Object.assign(place.project, before[1])
    }
  })
})
