import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeApiKey } from 'auth-agent-mcp-local/src/api-key.ts'
import { bootstrap } from 'auth-agent-mcp-local/src/bootstrap.ts'
import { startGateway } from 'auth-agent-mcp-local/src/gateway.ts'
import { listen } from 'auth-agent-mcp-local/src/http.ts'
import { openPool } from 'auth-agent-mcp-local/src/pool.ts'
import { createDatabase, dropDatabase, startPostgres } from 'auth-agent-mcp-local/src/postgres.ts'
import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { vi } from 'vitest'
import { type DeploySurroundings, runDeploy } from '../../deploy/run-deploy.ts'
import type { Wrangler } from '../../deploy/wrangler.ts'
import { type Cloudflare, cloudflareVariables, openCloudflare } from './cloudflare.ts'

export const ref = 'abcdefghijklmnopqrst'
export const issuer = 'https://mcp.example.com'
/** Before anything stands in for it. */
const realFetch = globalThis.fetch
const supabaseUrl = `https://${ref}.supabase.co`

/** What the Management API of Supabase answers (https://supabase.com/docs/reference/api/), changed by tests. */
export type ProjectState = { status: string; db_schema: string }

/** An empty Supabase project and an empty Cloudflare account, on this machine. */
export type NewProject = {
  readonly cloudflare: Cloudflare
  readonly project: ProjectState
  readonly query: (sql: string) => Promise<Record<string, unknown>[]>
  readonly variables: Record<string, string>
  readonly serviceKey: string
  /** Writes the file of the environment and runs `npm run deploy -- production`. */
  readonly deploy: (
    args?: readonly string[],
    changes?: Record<string, string | undefined>,
    wrangler?: Wrangler,
  ) => Promise<DeployRun>
  readonly close: () => Promise<void>
}

export type Finding = { check: string; state: string; text: string; mend?: string }
export type DeployRun = { code: number; stdout: string; stderr: string; findings: readonly Finding[]; end: string }

/** `postgres` of a Supabase project: it may make roles and bypass row level security, and is no superuser. */
async function openProjectDatabase(closers: (() => Promise<unknown>)[]) {
  const postgres = await startPostgres()
  closers.push(postgres.close)
  const url = new URL(await createDatabase(postgres.url))
  closers.push(() => dropDatabase(url.href))
  const admin = openPool(url.href, 2)
  closers.push(admin.close)
  await bootstrap(admin.query)
  const migrator = `migrator_${randomBytes(4).toString('hex')}`
  const password = randomBytes(16).toString('hex')
  await admin.query(`create role ${migrator} login createrole createdb bypassrls password '${password}'`)
  await admin.query(`grant create on database ${url.pathname.slice(1)} to ${migrator}`)
  // Where another database of the cluster has made our roles, whoever migrates must have been given them.
  const roles = await admin.query(
    "select rolname from pg_roles where rolname in ('mcp_owner', 'mcp_worker', 'mcp_operator')",
  )
  for (const { rolname } of roles) await admin.query(`grant ${rolname} to ${migrator} with admin option`)
  await admin.query(`grant authenticator, service_role, anon, authenticated to ${migrator} with admin option`)
  const login = new URL(url)
  login.username = migrator
  login.password = password
  return { query: admin.query, url: login.href }
}

async function openManagementApi(project: ProjectState) {
  return listen(
    (request, response) => {
      const isAllowed = request.headers.authorization === 'Bearer sbp_good'
      const answers: Readonly<Record<string, unknown>> = {
        [`/v1/projects/${ref}`]: {
          id: ref,
          region: 'eu-central-1',
          status: project.status,
          database: { version: '17.6' },
        },
        [`/v1/projects/${ref}/postgrest`]: {
          db_schema: project.db_schema,
          max_rows: 1000,
          db_extra_search_path: 'public',
        },
      }
      const answer = answers[request.url ?? '']
      const status = isAllowed ? (answer === undefined ? 404 : 200) : 401
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer ?? { message: 'no' }))
    },
    0,
    'Supabase',
  )
}

/** Names of the Internet lead to this machine, for this program and for the Worker. */
function redirectNames(surfaceUrl: string, dispatch: () => Cloudflare['dispatch']): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    if (url.startsWith(supabaseUrl)) return realFetch(url.replace(supabaseUrl, surfaceUrl), init)
    if (new URL(url).host === new URL(issuer).host) return dispatch()(url, init)
    return realFetch(input, init)
  }
}

export async function openNewProject(): Promise<NewProject> {
  const closers: (() => Promise<unknown>)[] = []
  const folder = await mkdtemp(join(tmpdir(), 'auth-agent-deploy-test-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  const database = await openProjectDatabase(closers)
  const jwtSecret = randomBytes(32).toString('base64url')
  const surface = await startGateway(database.query, jwtSecret, 0)
  closers.push(surface.close)
  const project: ProjectState = { status: 'ACTIVE_HEALTHY', db_schema: 'mcp' }
  const management = await openManagementApi(project)
  closers.push(management.close)
  const cloudflare = await openCloudflare(async (request) => {
    const body = await request.arrayBuffer()
    const { pathname, search } = new URL(request.url)
    return fetch(`${surface.url}${pathname}${search}`, { method: request.method, headers: [...request.headers], body })
  })
  closers.push(cloudflare.close)
  const stub = vi.spyOn(globalThis, 'fetch').mockImplementation(redirectNames(surface.url, () => cloudflare.dispatch))
  closers.push(async () => stub.mockRestore())
  const { EMAIL_WEBHOOK_SECRET: _, ...secrets } = await makeWorkerSecrets()
  const variables = {
    ...secrets,
    ISSUER: issuer,
    SUPABASE_URL: supabaseUrl,
    SUPABASE_KEY: await makeApiKey('mcp_worker', jwtSecret),
    EMAIL_SENDER: 'resend',
    EMAIL_FROM: 'Sign-in <no-reply@mcp.example.com>',
    RESEND_API_KEY: 're_good',
    DATABASE_URL: database.url,
    SUPABASE_ACCESS_TOKEN: 'sbp_good',
    ...cloudflareVariables(cloudflare),
  }
  const places = await openMailPlaces(closers)
  const around = {
    env: { ...process.env, CLOUDFLARE_API_BASE_URL: cloudflare.url, SUPABASE_API_BASE_URL: management.url },
    mail: places,
  }
  return {
    ...{
      cloudflare,
      project,
      query: database.query,
      variables,
      serviceKey: await makeApiKey('service_role', jwtSecret),
    },
    deploy: async (args = [], changes = {}, wrangler) => {
      const file = join(folder, 'production.env')
      const lines = Object.entries({ ...variables, ...changes }).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}='${value}'\n`],
      )
      await writeFile(file, lines.join(''), { mode: 0o600 })
      return runIt(['production', '--file', file, ...args], { ...around, ...(wrangler && { wrangler }) })
    },
    close: async () => {
      for (const close of closers.toReversed()) await close()
    },
  }
}

async function openMailPlaces(closers: (() => Promise<unknown>)[]) {
  const resend = await listen(
    (_request, response) => {
      const data = [{ id: 'd1', name: 'mcp.example.com', status: 'verified' }]
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data }))
    },
    0,
    'Resend',
  )
  closers.push(resend.close)
  return { resendUrl: resend.url, resolveTxt: async () => ['v=DMARC1; p=reject'] }
}

/** Runs a command line with its JSON read, where it is JSON. */
export async function runIt(
  args: readonly string[],
  around: Omit<DeploySurroundings, 'write' | 'writeError'>,
): Promise<DeployRun> {
  const printed = { stdout: '', stderr: '' }
  const code = await runDeploy(args, {
    ...around,
    write: async (text) => {
      printed.stdout += text
    },
    writeError: async (text) => {
      printed.stderr += text
    },
  })
  const isJson = printed.stdout.startsWith('{')
  const read = isJson ? (JSON.parse(printed.stdout) as { findings: Finding[]; end: string }) : { findings: [], end: '' }
  return { code, ...printed, ...read }
}
