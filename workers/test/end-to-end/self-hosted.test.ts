import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Mailbox, startMailbox } from 'auth-agent-mcp-local/src/mailbox.ts'
import { openPool } from 'auth-agent-mcp-local/src/pool.ts'
import { createDatabase, startPostgres } from 'auth-agent-mcp-local/src/postgres.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { variables } from '../../src/config-variables.ts'
import { freePorts } from './npm-start.ts'
import { type Part, readEnvironmentFile, root, runPart, startPart } from './self-hosted.ts'

const closers: (() => Promise<unknown>)[] = []
let folder: string
let adminUrl: string
let mailbox: Mailbox
let secrets: Record<string, string>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'self-hosted-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  const node = process.execPath
  const [postgres] = await Promise.all([
    startPostgres(),
    runPart(root, [node, 'workers/self-hosted/build.ts', folder], {}),
  ])
  closers.push(postgres.close)
  adminUrl = await createDatabase(postgres.url)
  secrets = readEnvironmentFile(await runPart(folder, [node, 'make-secrets.mjs'], {}))
  mailbox = await startMailbox({ secret: secrets.EMAIL_WEBHOOK_SECRET ?? '' })
  closers.push(mailbox.close)
})
afterAll(async () => {
  for (const close of closers.toReversed()) await close()
})

/** The RPC surface as its unit starts it: as `authenticator`, who is no superuser. */
async function startRpc(port: number): Promise<Part> {
  const { AUTHENTICATOR_PASSWORD = '', JWT_SECRET = '' } = secrets
  const url = new URL(adminUrl)
  url.username = 'authenticator'
  url.password = AUTHENTICATOR_PASSWORD
  const env = { DATABASE_URL: url.href, JWT_SECRET, PORT: String(port) }
  const part = await startPart(folder, [process.execPath, 'serve-rpc.mjs'], env, `http://127.0.0.1:${port}`)
  closers.push(part.stop)
  return part
}

async function startWorkerd(ports: { server: number; tick: number }, env: Record<string, string>): Promise<Part> {
  const sockets = [`--socket-addr=http=127.0.0.1:${ports.server}`, `--socket-addr=tick=127.0.0.1:${ports.tick}`]
  const command = [join(folder, 'workerd'), 'serve', 'worker.capnp', ...sockets]
  const part = await startPart(folder, command, env, `http://127.0.0.1:${ports.server}/`)
  closers.push(part.stop)
  return part
}

describe('one machine without clouds', () => {
  it('migrates, serves the whole story of the README, and cleans up when the timer asks', async () => {
    const { AUTHENTICATOR_PASSWORD = '' } = secrets
    const migration = { ADMIN_DATABASE_URL: adminUrl, AUTHENTICATOR_PASSWORD }
    expect(await runPart(folder, [process.execPath, 'migrate.mjs'], migration)).toMatch(/^Applied \d{14}/)
    expect(await runPart(folder, [process.execPath, 'migrate.mjs'], migration)).toBe('Nothing to do.\n')

    const ports = await freePorts()
    const issuer = `http://localhost:${ports.server}`
    await startRpc(ports.mailbox)
    const worker = await startWorkerd(
      { server: ports.server, tick: ports.example },
      {
        ...secrets,
        ISSUER: issuer,
        SUPABASE_URL: `http://127.0.0.1:${ports.mailbox}`,
        EMAIL_SENDER: 'webhook',
        EMAIL_WEBHOOK_URL: `${mailbox.url}/api/messages`,
        CLIENT_ADDRESS_HEADER: 'X-Real-IP',
        METRICS_TOKEN: secrets.JWT_SECRET ?? '',
      },
    )
    expect((await fetch(`${issuer}/ready`)).status).toBe(200)
    const operator = { DATABASE_URL: adminUrl, ISSUER: issuer }
    expect(await runPart(folder, [process.execPath, 'ops.mjs', 'clients', 'list'], operator)).toContain(
      'client_claude_code',
    )
    const issuerSeen = await runPart(folder, [process.execPath, 'ops.mjs', 'doctor', '--json'], operator).catch(String)
    expect(issuerSeen).toMatch(/"state": "good",\s+"check": "server ready"/)
    const story = { BASE_URL: issuer, MAILBOX_URL: mailbox.url }
    expect(await runPart(root, ['sh', 'test-oauth-flow.sh'], story)).toMatch(/All \d+ steps went as they should/)

    const database = openPool(adminUrl, 1)
    closers.push(database.close)
    await database.query(
      "update mcp_data.sessions set created_at = now() - interval '2 years', expires_at = now() - interval '1 year'",
    )
    expect((await fetch(`http://127.0.0.1:${ports.example}/`)).status).toBe(204)
    expect(await database.query('select 1 from mcp_data.sessions')).toEqual([])
    await expect.poll(worker.output).toContain('"job":"clean_up"')
    // Two isolates, two places to scrape.
    const headers = { authorization: `Bearer ${secrets.JWT_SECRET}` }
    const ofClients = await (await fetch(`${issuer}/metrics`, { headers })).text()
    expect(ofClients).toMatch(/auth_agent_requests_total\{route="\/token".* [1-9]/)
    const ofJobs = await (await fetch(`http://127.0.0.1:${ports.example}/metrics`, { headers })).text()
    expect(ofJobs).toContain('auth_agent_job_runs_total{task="clean_up",outcome="succeeded"} 1\n')
  })

  it('M6 answers 500 on every route where a secret is missing, and the log names it', async () => {
    const ports = await freePorts()
    const { TOKEN_PEPPERS: _missing, ...rest } = secrets
    const env = { ...rest, ISSUER: `http://localhost:${ports.server}`, EMAIL_SENDER: 'webhook' }
    const worker = await startWorkerd({ server: ports.server, tick: ports.example }, env)
    const answer = await fetch(`http://localhost:${ports.server}/health`)
    expect(answer.status).toBe(500)
    await expect.poll(worker.output).toContain('TOKEN_PEPPERS is missing')
  })

  it('N4 the RPC surface logs in as a role that reads no table and makes nothing', async () => {
    const url = new URL(adminUrl)
    url.username = 'authenticator'
    url.password = secrets.AUTHENTICATOR_PASSWORD ?? ''
    const database = openPool(url.href, 1)
    closers.push(database.close)
    for (const role of ['authenticator', 'mcp_worker']) {
      const as = `select set_config('role', '${role}', true)`
      await expect(database.query(`${as}; select 1 from mcp_data.accounts`)).rejects.toThrow('permission denied')
      await expect(database.query(`${as}; create table mcp.t ()`)).rejects.toThrow('permission denied')
    }
  })
})

describe('the files of this form', () => {
  const read = (name: string) => readFile(join(root, 'workers', name), 'utf8')

  it('worker.capnp passes on every variable of the configuration and no other', async () => {
    const names = [...(await read('self-hosted/worker.capnp')).matchAll(/fromEnvironment = "(\w+)"/g)].map(
      ([, name]) => name,
    )
    expect(names.toSorted()).toEqual(variables.map(({ name }) => name).toSorted())
  })

  it('worker.capnp has the compatibility date that is deployed elsewhere', async () => {
    const date = /"compatibility_date": "([\d-]+)"/.exec(await read('wrangler.jsonc'))?.[1]
    const dates = [...(await read('self-hosted/worker.capnp')).matchAll(/compatibilityDate = "([\d-]+)"/g)]
    expect(dates.map(([, found]) => found)).toEqual([date, date])
  })

  it('nginx.conf limits each route as the bindings do elsewhere', async () => {
    const bindings = [...(await read('wrangler.jsonc')).matchAll(/"RATE_(\w+)".*"limit": (\d+), "period": 60/g)]
    const zones = new Map(
      [...(await read('self-hosted/nginx.conf')).matchAll(/zone=(\w+):1m rate=(\d+)r\/m/g)].map(([, zone, rate]) => [
        zone,
        rate,
      ]),
    )
    const zoneOf: Record<string, string> = {
      AUTHORIZE: 'authorize',
      CODE_CHECK: 'code',
      CONSENT: 'code',
      REGISTER: 'register',
      TOKEN: 'tokens',
      API: 'management',
    }
    const limits = bindings.filter(([, name = '']) => name in zoneOf)
    expect(new Set(limits.map(([, name]) => name))).toEqual(new Set(Object.keys(zoneOf)))
    for (const [, name = '', limit] of limits) expect(zones.get(zoneOf[name])).toBe(limit)
  })
})
