import * as z from 'zod/mini'
import { type Check, type Problem, problem } from '../operations/findings.ts'
import { look } from '../operations/live-issuer.ts'
import { Sentence } from '../operations/report.ts'
import type { Plan, Variables } from './plan.ts'

const project = z.object({
  status: z.string(),
  region: z.string(),
  database: z.optional(z.object({ version: z.string() })),
})
const surface = z.object({ db_schema: z.string() })

async function read(url: string, token: string): Promise<unknown> {
  const { status, json } = await look(url, { headers: { authorization: `Bearer ${token}` } })
  if (status === 200) return json
  if (status === 401) throw new Sentence('SUPABASE_ACCESS_TOKEN is not accepted')
  throw new Sentence(`Supabase answers ${status}`)
}

const exposeMend =
  'Project settings, Data API, Exposed schemas: add mcp, and take away public and graphql_public if nothing else uses them.'

type Asked = { readonly ref: string; readonly token: string; readonly base: string }

async function statusProblems({ ref, token, base }: Asked): Promise<readonly Problem[]> {
  const { status } = project.parse(await read(`${base}/v1/projects/${ref}`, token))
  if (status === 'ACTIVE_HEALTHY') return []
  return [problem.bad(`the project is ${status}`, 'Restore or restart it in its dashboard.')]
}

async function exposureProblems({ ref, token, base }: Asked): Promise<readonly Problem[]> {
  const { db_schema } = surface.parse(await read(`${base}/v1/projects/${ref}/postgrest`, token))
  const exposed = db_schema.split(',').map((name) => name.trim())
  if (!exposed.includes('mcp')) return [problem.bad('schema mcp is not exposed', exposeMend)]
  return exposed.includes('mcp_data')
    ? [problem.bad('schema mcp_data is exposed: it holds the tables', exposeMend)]
    : []
}

function checkOf(name: string, { variables, config }: Plan, env: Variables, judge: typeof statusProblems): Check {
  const token = variables.SUPABASE_ACCESS_TOKEN ?? env.SUPABASE_ACCESS_TOKEN
  const [, ref] = /^https:\/\/([a-z0-9]{20})\.supabase\.co$/.exec(config?.supabase.url ?? '') ?? []
  const base = env.SUPABASE_API_BASE_URL ?? 'https://api.supabase.com'
  const run = async () => {
    if (!token) return [problem.skipped('needs a SUPABASE_ACCESS_TOKEN; the key of the Worker is tried in any case')]
    return ref === undefined
      ? [problem.skipped('SUPABASE_URL is no project at supabase.co')]
      : judge({ ref, token, base })
  }
  return { name, mend: exposeMend, run }
}

/** What the project says of itself, where an access token allows to ask. */
export const projectCheck = (plan: Plan, env: Variables): Check =>
  checkOf('Supabase project', plan, env, statusProblems)

/** Only after the migrations: what does not exist cannot be exposed. */
export const exposureCheck = (plan: Plan, env: Variables): Check =>
  checkOf('exposed schemas', plan, env, exposureProblems)
