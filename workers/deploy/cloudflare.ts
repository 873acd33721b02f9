import * as z from 'zod/mini'
import { type Check, type Problem, problem } from '../operations/findings.ts'
import { look } from '../operations/live-issuer.ts'
import { Sentence } from '../operations/report.ts'
import type { Plan, Variables } from './plan.ts'

/** What Cloudflare's API wraps every answer in (https://developers.cloudflare.com/api/). */
const envelope = z.object({
  success: z.boolean(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })),
  result: z.unknown(),
})

export type Account = {
  readonly id: string
  /** The result of a read; undefined where there is nothing of that name. */
  readonly read: (path: string) => Promise<unknown>
}

/** The account that the file names, or the environment of this program. */
export function accountOf(variables: Variables, env: Variables): Account | undefined {
  const id = variables.CLOUDFLARE_ACCOUNT_ID ?? env.CLOUDFLARE_ACCOUNT_ID
  const token = variables.CLOUDFLARE_API_TOKEN ?? env.CLOUDFLARE_API_TOKEN
  if (!id || !token) return undefined
  const base = env.CLOUDFLARE_API_BASE_URL ?? 'https://api.cloudflare.com/client/v4'
  return { id, read: (path) => readFrom(`${base}${path}`, token) }
}

async function readFrom(url: string, token: string): Promise<unknown> {
  const { status, json } = await look(url, { headers: { authorization: `Bearer ${token}` } })
  const answer = envelope.safeParse(json)
  if (!answer.success) throw new Sentence(`Cloudflare answers ${status} and no JSON of its own`)
  if (answer.data.success) return answer.data.result
  if (status === 404) return undefined
  const [error] = answer.data.errors
  throw new Sentence(`Cloudflare answers ${status}: ${error?.message ?? 'no reason'} (${error?.code ?? 'no code'})`)
}

const account = z.object({ id: z.string() })
const zones = z.array(z.object({ id: z.string(), name: z.string(), status: z.string() }))
const records = z.array(z.object({ type: z.string(), name: z.string() }))
const domains = z.array(z.object({ hostname: z.string(), service: z.string() }))

const tokenMend =
  'Make an API token with Workers Scripts: Edit on the account, and Workers Routes: Edit, Zone: Read and DNS: Edit on the zone; put it into CLOUDFLARE_API_TOKEN.'

async function accountProblems({ id, read }: Account): Promise<readonly Problem[]> {
  const own = account.safeParse(await read(`/accounts/${id}`))
  if (!own.success) return [problem.bad('CLOUDFLARE_ACCOUNT_ID is no account that this token sees')]
  await read(`/accounts/${id}/workers/scripts`)
  return []
}

/** The zone of a host is named by its last labels, two or more. */
function zoneNames(host: string): readonly string[] {
  const labels = host.split('.')
  return labels.slice(0, -1).map((_, place) => labels.slice(place).join('.'))
}

async function hostProblems({ read, id }: Account, { host, workerName }: Plan): Promise<readonly Problem[]> {
  if (host === undefined) return [problem.skipped('needs an ISSUER')]
  const found: z.infer<typeof zones> = []
  for (const name of zoneNames(host)) found.push(...zones.parse(await read(`/zones?name=${name}&account.id=${id}`)))
  const [zone] = found
  if (zone === undefined)
    return [problem.bad(`no zone of this account holds ${host}`, `Add its domain to Cloudflare, or correct ISSUER.`)]
  if (zone.status !== 'active') {
    return [problem.bad(`the zone ${zone.name} is ${zone.status}`, 'Point its name servers at Cloudflare.')]
  }
  const attached = domains.parse((await read(`/accounts/${id}/workers/domains?hostname=${host}`)) ?? [])
  if (attached.some(({ service }) => service === workerName)) return []
  // Asked by no person, wrangler would replace both without a word.
  const [there] = records.parse((await read(`/zones/${zone.id}/dns_records?name=${host}`)) ?? [])
  if (there !== undefined && attached.length === 0) {
    return [
      problem.bad(
        `${host} has a ${there.type} record that leads elsewhere`,
        'Remove the record first, or choose another host.',
      ),
    ]
  }
  const [other] = attached
  return other === undefined
    ? []
    : [problem.bad(`${host} belongs to the Worker ${other.service}`, 'Detach it there first, or choose another host.')]
}

/** What can be known before anything is uploaded. */
export function accountChecks(account: Account | undefined, plan: Plan): readonly Check[] {
  const missing = async () => [problem.bad('CLOUDFLARE_ACCOUNT_ID or CLOUDFLARE_API_TOKEN is missing')]
  return [
    { name: 'account', mend: tokenMend, run: account === undefined ? missing : () => accountProblems(account) },
    {
      name: 'host',
      mend: tokenMend,
      run: async () => (account === undefined ? [problem.skipped('needs an account')] : hostProblems(account, plan)),
    },
  ]
}

const subdomain = z.object({ enabled: z.boolean(), previews_enabled: z.optional(z.boolean()) })
const schedules = z.object({ schedules: z.array(z.object({ cron: z.string() })) })
const bindings = z.object({ bindings: z.array(z.object({ name: z.string(), type: z.string() })) })

async function deployedProblems({ id, read }: Account, plan: Plan): Promise<readonly Problem[]> {
  const script = `/accounts/${id}/workers/scripts/${plan.workerName}`
  const [names, crons, bound, attached] = await Promise.all([
    read(`${script}/subdomain`),
    read(`${script}/schedules`),
    read(`${script}/settings`),
    read(`/accounts/${id}/workers/domains?hostname=${plan.host}`),
  ])
  if (bound === undefined) return [problem.bad(`there is no Worker ${plan.workerName}`)]
  const problems: Problem[] = []
  const seen = subdomain.parse(names ?? { enabled: false })
  if (seen.enabled) problems.push(problem.bad('it answers under workers.dev too'))
  if (seen.previews_enabled === true) problems.push(problem.bad('preview URLs are on: old versions answer'))
  if (schedules.parse(crons ?? { schedules: [] }).schedules.length === 0) problems.push(problem.bad('it has no cron'))
  const there = bindings.parse(bound).bindings
  if (there.filter(({ type }) => type === 'ratelimit').length === 0) problems.push(problem.bad('it has no rate limits'))
  const ours = domains.parse(attached ?? []).some(({ service }) => service === plan.workerName)
  if (!ours) problems.push(problem.bad(`${plan.host} does not lead to it`))
  return [...problems, ...secretProblems(there, plan)]
}

/** A secret in `plain_text` can be read by whoever opens the dashboard. */
function secretProblems(there: z.infer<typeof bindings>['bindings'], { variables }: Plan): readonly Problem[] {
  const typeOf = (name: string) => there.find((binding) => binding.name === name)?.type
  const wanted = ['TOKEN_PEPPERS', 'COOKIE_KEYS', 'SIGNING_KEYS', 'REGISTRATION_KEYS', 'SUPABASE_KEY']
  const secrets = [...wanted, ...['RESEND_API_KEY', 'EMAIL_WEBHOOK_SECRET'].filter((name) => variables[name])]
  return secrets
    .filter((name) => typeOf(name) !== 'secret_text')
    .map((name) => problem.bad(typeOf(name) === undefined ? `${name} is not set` : `${name} is not kept as a secret`))
}

/** What Cloudflare says of the Worker that runs. */
export function deployedChecks(account: Account, plan: Plan): readonly Check[] {
  const mend = `Run npm run deploy -- ${plan.environment} again; somebody changed it in the dashboard.`
  return [{ name: 'what Cloudflare runs', mend, run: () => deployedProblems(account, plan) }]
}
