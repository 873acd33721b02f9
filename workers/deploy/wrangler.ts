import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import * as z from 'zod/mini'
import { type Check, type Problem, problem } from '../operations/findings.ts'
import { Sentence } from '../operations/report.ts'
import type { RateLimitName } from '../src/http/rate-limit.ts'
import { type EnvironmentName, type Plan, publicVariables, secretsOf } from './plan.ts'

const workers = join(import.meta.dirname, '..')

/** Those that the code asks for: a record, so that a new one does not compile without its binding. */
const rateLimits: Readonly<Record<RateLimitName, true>> = {
  RATE_AUTHORIZE: true,
  RATE_CODE_CHECK: true,
  RATE_CONSENT: true,
  RATE_TOKEN: true,
  RATE_KEY_FAILURES: true,
  RATE_REGISTER: true,
  RATE_API: true,
  RATE_DOCUMENTS: true,
}

const settings = z.object({
  workers_dev: z.optional(z.boolean()),
  preview_urls: z.optional(z.boolean()),
  compatibility_flags: z.array(z.string()),
  triggers: z.object({ crons: z.optional(z.array(z.string())) }),
  ratelimits: z.array(
    z.object({
      name: z.string(),
      namespace_id: z.string(),
      simple: z.object({ limit: z.number(), period: z.number() }),
    }),
  ),
  send_email: z.optional(z.array(z.object({ name: z.string() }))),
  vars: z.record(z.string(), z.unknown()),
  routes: z.optional(z.array(z.unknown())),
})
export type Settings = z.infer<typeof settings>

/** wrangler.jsonc as wrangler itself reads it for an environment. */
export async function readSettings(environment: EnvironmentName): Promise<Settings> {
  const { unstable_readConfig } = await import('wrangler')
  const env = environment === 'local' ? {} : { env: environment }
  const read: unknown = unstable_readConfig({ config: join(workers, 'wrangler.jsonc'), ...env }, { hideWarnings: true })
  return settings.parse(read)
}

/** Namespaces are an account's: two environments that share one would count each other's requests. */
function rateLimitProblems(own: Settings, others: readonly Settings[]): readonly Problem[] {
  const missing = Object.keys(rateLimits).filter((name) => !own.ratelimits.some((limit) => limit.name === name))
  const taken = new Set(others.flatMap(({ ratelimits }) => ratelimits.map(({ namespace_id }) => namespace_id)))
  const shared = own.ratelimits.filter(({ namespace_id }) => taken.has(namespace_id))
  const ids = own.ratelimits.map(({ namespace_id }) => namespace_id)
  const twice = ids.filter((id, place) => ids.indexOf(id) !== place)
  return [
    ...missing.map((name) => problem.bad(`the rate limit ${name} is missing`)),
    ...shared.map(({ name }) => problem.bad(`${name} has the namespace of another environment`)),
    ...twice.map((id) => problem.bad(`two rate limits share the namespace ${id}`)),
  ]
}

/** What is wrong with the settings of an environment, for the carrier of mail that it has. */
export function settingProblems(own: Settings, others: readonly Settings[], sender?: string): readonly Problem[] {
  const problems: Problem[] = [...rateLimitProblems(own, others)]
  if (sender === 'cloudflare' && !own.send_email?.some(({ name }) => name === 'EMAIL'))
    problems.push(
      problem.bad('EMAIL_SENDER is cloudflare, and there is no binding: "send_email": [{ "name": "EMAIL" }]'),
    )
  if (own.workers_dev !== false)
    problems.push(problem.bad('workers_dev is not off: the Worker would answer under a second name'))
  if (own.preview_urls !== false) problems.push(problem.bad('preview_urls is not off: old versions would answer'))
  if ((own.triggers.crons ?? []).length === 0)
    problems.push(problem.bad('there is no cron: nothing that has ended is removed'))
  if (!own.compatibility_flags.includes('global_fetch_strictly_public')) {
    problems.push(problem.bad('global_fetch_strictly_public is missing: URLs of strangers could reach into the zone'))
  }
  if (Object.keys(own.vars).length > 0)
    problems.push(problem.bad(`vars stand in it: ${Object.keys(own.vars).join(', ')}`))
  if ((own.routes ?? []).length > 0) problems.push(problem.bad('routes stand in it: they come from ISSUER'))
  return problems
}

export function settingChecks({ environment, variables }: Plan): Check {
  return {
    name: 'wrangler.jsonc',
    mend: 'Correct workers/wrangler.jsonc; the one of the repository is right.',
    run: async () => {
      const names = ['local', 'staging', 'production'] as const
      const others = await Promise.all(names.filter((name) => name !== environment).map(readSettings))
      return settingProblems(await readSettings(environment), others, variables.EMAIL_SENDER)
    },
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** What is asked of wrangler. */
export type Wrangler = {
  readonly check: (plan: Plan, env: Environment) => Check
  readonly upload: (plan: Plan, env: Environment) => Promise<void>
}

type Output = { readonly code: number; readonly text: string }

function runWrangler(args: readonly string[], env: Environment): Promise<Output> {
  const wrangler = createRequire(join(workers, 'package.json')).resolve('wrangler/package.json')
  const command = [join(dirname(wrangler), 'bin/wrangler.js'), ...args]
  const quiet = { WRANGLER_SEND_METRICS: 'false', WRANGLER_SEND_ERROR_REPORTS: 'false', CI: 'true', NO_COLOR: '1' }
  const child = spawn(process.execPath, command, {
    cwd: workers,
    env: { ...env, ...quiet },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? 1, text })))
}

function argumentsOf({ environment, host, variables }: Plan): readonly string[] {
  const env = environment === 'local' ? [] : ['--env', environment]
  const domain = host === undefined || environment === 'local' ? [] : ['--domain', host]
  return ['deploy', ...env, ...domain, ...publicVariables(variables).flatMap((variable) => ['--var', variable])]
}

/** The bundle that would be deployed, made by wrangler with the same arguments (its size is checked while it is made). */
function bundleCheck(plan: Plan, env: Environment): Check {
  return {
    name: 'bundle',
    mend: 'Run npm run check: the Worker does not build.',
    run: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'auth-agent-deploy-'))
      try {
        const made = await runWrangler([...argumentsOf(plan), '--dry-run', '--outdir', folder], env)
        return made.code === 0 ? [] : [problem.bad(complaintOf(made.text))]
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

/** What wrangler calls its error; where it names none, how it ended. */
function complaintOf(text: string): string {
  const lines = stripVTControlCharacters(text).trim().split('\n')
  const place = lines.findIndex((line) => /\bERROR\b/.test(line))
  const told = place === -1 ? lines.slice(-5) : lines.slice(place, place + 4)
  return told
    .map((line) => line.replace(/^.*\[?ERROR\]?\s*/, '').trim())
    .filter(Boolean)
    .join(' ')
}

/**
 * Uploads code, variables and secrets as one version, and attaches the host and the cron.
 * @throws Sentence with wrangler's own error
 */
async function upload(plan: Plan, env: Environment): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'auth-agent-deploy-'))
  try {
    const file = join(folder, 'secrets.json')
    await writeFile(file, JSON.stringify(secretsOf(plan.variables)), { mode: 0o600 })
    // Without --keep-vars nothing that somebody set in the dashboard stays.
    const { CLOUDFLARE_ACCOUNT_ID = env.CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_TOKEN = env.CLOUDFLARE_API_TOKEN } =
      plan.variables
    const credentials = { ...env, CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_TOKEN }
    const { code, text } = await runWrangler([...argumentsOf(plan), '--secrets-file', file], credentials)
    if (code !== 0) throw new Sentence(`wrangler could not deploy: ${complaintOf(text)}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const realWrangler: Wrangler = { check: bundleCheck, upload }
