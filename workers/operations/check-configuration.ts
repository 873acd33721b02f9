import * as z from 'zod/mini'
import { type Config, ConfigError, parseConfig } from '../src/config.ts'
import { fromBase64Url } from '../src/crypto/encoding.ts'
import { createStore, StoreUnavailable } from '../src/store/client.ts'
import { readReadiness } from '../src/store/maintenance.ts'
import { type Check, type Problem, problem } from './findings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A binding is not seen from outside the Worker: the checks of a deployment look for it in wrangler.jsonc. */
const withBindings = (env: Environment) => (env.EMAIL_SENDER === 'cloudflare' ? { ...env, EMAIL: {} } : env)

/** The variables judged by the Worker's own start (SECURITY §7): one problem for each. */
export function configurationProblems(env: Environment): readonly Problem[] {
  try {
    parseConfig(withBindings(env))
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const list = error.message.replace(/^[^:]*: /, '')
    return list.split('; ').map((text) => problem.bad(text))
  }
}

/** The configuration, where it is whole. */
export function configOf(env: Environment): Config | undefined {
  return configurationProblems(env).length === 0 ? parseConfig(withBindings(env)) : undefined
}

const claims = z.object({ role: z.optional(z.string()) })

function roleOf(key: string): string | undefined {
  const bytes = fromBase64Url(key.split('.')[1] ?? '')
  if (bytes === undefined) return undefined
  try {
    return claims.parse(JSON.parse(new TextDecoder().decode(bytes))).role
  } catch {
    return undefined
  }
}

const refusal = z.object({ code: z.optional(z.string()), message: z.optional(z.string()) })

const exposed =
  'Expose schema mcp, and no other that you do not need: Project settings, Data API, Exposed schemas in Supabase; db-schemas in PostgREST.'

/** Why the Worker's key does not reach its functions: told by the code of PostgREST or PostgreSQL. */
function accessProblem(error: unknown): Problem {
  const cause = refusal.safeParse(error instanceof StoreUnavailable ? error.cause : undefined)
  const { code = '', message = 'no answer' } = cause.success ? cause.data : {}
  if (code === 'PGRST106') return problem.bad('schema mcp is not exposed', exposed)
  if (code === 'PGRST202' || code === '3F000')
    return problem.bad('schema mcp has no functions there: the migrations are missing')
  if (code === '42501') return problem.bad('the role of SUPABASE_KEY may not execute the functions')
  if (code.startsWith('PGRST30')) return problem.bad('SUPABASE_KEY is not a key of this project')
  if (code === '22023' || code === '42704')
    return problem.bad('role mcp_worker does not exist there: the migrations are missing')
  return problem.bad(`the database does not answer the Worker's key: ${message}`)
}

/** Whether the Worker's own key reaches its functions, and nothing more than it must. */
export async function accessProblems({ supabase }: Config): Promise<readonly Problem[]> {
  const store = createStore({ ...supabase, timeoutMs: 10_000, fetchUrl: fetch })
  try {
    await readReadiness(store)
  } catch (error) {
    return [accessProblem(error)]
  }
  const role = supabase.key.startsWith('sb_secret_') ? 'service_role' : roleOf(supabase.key)
  if (role === 'mcp_worker') return []
  return [
    problem.warning(
      `SUPABASE_KEY acts as ${role ?? 'an unknown role'}; a JWT with role mcp_worker is the least that works`,
    ),
  ]
}

export function accessCheck(config: Config | undefined): Check {
  return {
    name: 'access of the Worker',
    mend: 'Apply the migrations and sign a key of the role mcp_worker: docs/deploy.md.',
    run: async () => (config === undefined ? [problem.skipped('needs a whole configuration')] : accessProblems(config)),
  }
}

export function configurationChecks(env: Environment, where: string): readonly Check[] {
  return [
    {
      name: 'configuration',
      mend: `Put it into ${where}; docs/configuration.md says what each variable is, npm run self-host -- make-secrets makes secrets.`,
      run: async () => configurationProblems(env),
    },
    accessCheck(configOf(env)),
  ]
}
