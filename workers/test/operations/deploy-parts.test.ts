import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { accountOf, deployedChecks } from '../../deploy/cloudflare.ts'
import { type Plan, planChecks, readPlan } from '../../deploy/plan.ts'
import { smokeChecks } from '../../deploy/smoke.ts'
import { readSettings, type Settings, settingProblems } from '../../deploy/wrangler.ts'
import { type Check, runChecks } from '../../operations/findings.ts'
import { type Cloudflare, cloudflareVariables, openCloudflare } from './cloudflare.ts'

let folder: string
let cloudflare: Cloudflare
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth-agent-deploy-parts-'))
  cloudflare = await openCloudflare(() => Promise.reject(new Error('nobody is there')))
})
afterAll(async () => {
  await cloudflare?.close()
  await rm(folder, { recursive: true, force: true })
})
afterEach(() => vi.restoreAllMocks())

const usual = {
  ISSUER: 'https://mcp.example.com',
  SUPABASE_URL: 'https://abcdefghijklmnopqrst.supabase.co',
  SUPABASE_KEY: 'sb_secret_0123456789012345678901234567890',
  EMAIL_SENDER: 'webhook',
  EMAIL_WEBHOOK_URL: 'https://mail.example.com/',
}

async function planOf(name: 'staging' | 'production', secrets: Readonly<Record<string, string>>): Promise<Plan> {
  const file = join(folder, `${name}.env`)
  const lines = Object.entries({ ...usual, ...secrets }).map(([variable, value]) => `${variable}='${value}'\n`)
  await writeFile(file, lines.join(''), { mode: 0o600 })
  return readPlan(name, file)
}

const bad = async (checks: readonly Check[]) =>
  (await runChecks(checks)).filter(({ state }) => state === 'bad').map(({ check, text }) => `${check}: ${text}`)

describe('the file of an environment', () => {
  it('is good by itself', async () => {
    expect(await bad(planChecks(await planOf('production', await makeWorkerSecrets())))).toEqual([])
  })

  it('is for nobody else on this machine to read', async () => {
    const plan = await planOf('production', await makeWorkerSecrets())
    await chmod(plan.file, 0o644)
    expect(await bad(planChecks(plan))).toEqual(['file of secrets: others on this machine may read it'])
    await chmod(plan.file, 0o600)
  })

  it('shares no secret with another environment (SECURITY §5)', async () => {
    const [one, other] = [await makeWorkerSecrets(), await makeWorkerSecrets()]
    await planOf('staging', { ...one, SUPABASE_KEY: 'sb_secret_1234567890123456789012345678901' })
    const plan = await planOf('production', { ...other, COOKIE_KEYS: one.COOKIE_KEYS })
    const staging = join(folder, 'staging.env')
    expect(await bad(planChecks(plan))).toEqual([`secrets of its own: COOKIE_KEYS is the same as in ${staging}`])
  })
})

describe('wrangler.jsonc', () => {
  it.each(['local', 'staging', 'production'] as const)('is right for %s', async (environment) => {
    const names = (['local', 'staging', 'production'] as const).filter((name) => name !== environment)
    const others = await Promise.all(names.map(readSettings))
    expect(settingProblems(await readSettings(environment), others)).toEqual([])
  })

  it.each<[string, (own: Settings) => Partial<Settings>, string]>([
    ['a second name', () => ({ workers_dev: true }), 'workers_dev is not off'],
    ['old versions', () => ({ preview_urls: true }), 'preview_urls is not off'],
    ['no cron', () => ({ triggers: { crons: [] } }), 'there is no cron'],
    ['requests into the zone', () => ({ compatibility_flags: [] }), 'global_fetch_strictly_public is missing'],
    ['a variable', () => ({ vars: { ISSUER: 'https://other.example' } }), 'vars stand in it: ISSUER'],
    ['a route', () => ({ routes: ['other.example'] }), 'routes stand in it'],
    ['no limit', ({ ratelimits }) => ({ ratelimits: ratelimits.slice(1) }), 'the rate limit RATE_AUTHORIZE is missing'],
    [
      'a namespace twice',
      ({ ratelimits }) => ({ ratelimits: ratelimits.map((limit) => ({ ...limit, namespace_id: '7' })) }),
      'two rate limits share the namespace 7',
    ],
  ])('%s is told', async (_, change, expected) => {
    const own = await readSettings('production')
    const texts = settingProblems({ ...own, ...change(own) }, []).map(({ text }) => text)
    expect(texts).toContainEqual(expect.stringContaining(expected))
  })

  it('tells a namespace that another environment counts in', async () => {
    const [own, other] = [await readSettings('production'), await readSettings('production')]
    expect(settingProblems(own, [other]).map(({ text }) => text)).toContain(
      'RATE_TOKEN has the namespace of another environment',
    )
  })

  it('have the binding that carries mail, where Cloudflare does', async () => {
    const own = await readSettings('production')
    const said = (settings: Settings) => settingProblems(settings, [], 'cloudflare').map(({ text }) => text)
    expect(said(own)).toEqual([expect.stringContaining('there is no binding: "send_email"')])
    expect(said({ ...own, send_email: [{ name: 'EMAIL' }] })).toEqual([])
    const sender = { EMAIL_SENDER: 'cloudflare', EMAIL_FROM: 'Sign-in <no-reply@example.com>' }
    expect(await bad(planChecks(await planOf('production', { ...(await makeWorkerSecrets()), ...sender })))).toEqual([])
  })
})

describe('what Cloudflare runs', () => {
  const good = [
    ...[
      'TOKEN_PEPPERS',
      'COOKIE_KEYS',
      'SIGNING_KEYS',
      'REGISTRATION_KEYS',
      'SUPABASE_KEY',
      'EMAIL_WEBHOOK_SECRET',
    ].map((name) => ({ name, type: 'secret_text' })),
    { name: 'RATE_TOKEN', type: 'ratelimit' },
  ]
  const running = (): Cloudflare['state'] => ({
    ...structuredClone(cloudflare.state),
    bindings: good,
    schedules: [{ cron: '*/15 * * * *' }],
    subdomain: { enabled: false, previews_enabled: false },
    domains: [{ hostname: 'mcp.example.com', service: 'auth-agent-mcp-production' }],
  })

  it.each<[string, Partial<Cloudflare['state']>, string[]]>([
    ['all is right', {}, []],
    ['nothing is there', { bindings: undefined }, ['there is no Worker auth-agent-mcp-production']],
    ['a second name', { subdomain: { enabled: true, previews_enabled: false } }, ['it answers under workers.dev too']],
    [
      'old versions',
      { subdomain: { enabled: false, previews_enabled: true } },
      ['preview URLs are on: old versions answer'],
    ],
    ['no cron', { schedules: [] }, ['it has no cron']],
    ['no host', { domains: [] }, ['mcp.example.com does not lead to it']],
    ['no limits', { bindings: good.filter(({ type }) => type !== 'ratelimit') }, ['it has no rate limits']],
    [
      'a secret for all to see',
      { bindings: good.map((one) => (one.name === 'COOKIE_KEYS' ? { ...one, type: 'plain_text' } : one)) },
      ['COOKIE_KEYS is not kept as a secret'],
    ],
    ['a secret too few', { bindings: good.filter(({ name }) => name !== 'SIGNING_KEYS') }, ['SIGNING_KEYS is not set']],
  ])('%s', async (_, change, expected) => {
    const before = structuredClone(cloudflare.state)
    Object.assign(cloudflare.state, running(), change)
    try {
      const plan = await planOf('production', { ...(await makeWorkerSecrets()), ...cloudflareVariables(cloudflare) })
      const account = accountOf(plan.variables, { CLOUDFLARE_API_BASE_URL: cloudflare.url })
      if (account === undefined) throw new Error('no account')
      expect(await bad(deployedChecks(account, plan))).toEqual(expected.map((text) => `what Cloudflare runs: ${text}`))
    } finally {
      Object.assign(cloudflare.state, before)
    }
  })
})

describe('the live server', () => {
  it('M16 must not redirect plain http, and every layer has to answer', async () => {
    const plan = await planOf('production', await makeWorkerSecrets())
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
      const isPlain = String(input).startsWith('http:')
      return new Response('a parking page', { status: isPlain ? 301 : 200, headers: { 'content-type': 'text/html' } })
    })
    const found = await bad(smokeChecks(plan))
    expect(found).toContain('plain http: http://mcp.example.com/token answers 301')
    expect(found).toContain('answers: /introspect answers 200, but introspection wants a key')
    expect(found).toContain(
      'server reachable: there is no Strict-Transport-Security header: something before the Worker removes it',
    )
    expect(found).toContainEqual(
      expect.stringContaining('metadata: /.well-known/oauth-authorization-server is not there'),
    )
    expect(new Set(found.map((line) => line.split(':')[0])).size).toBe(5)
  })
})
