import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'
import { configOf, configurationProblems } from '../operations/check-configuration.ts'
import { type Check, type Problem, problem } from '../operations/findings.ts'
import { Sentence } from '../operations/report.ts'
import type { Config } from '../src/config.ts'
import { variables } from '../src/config-variables.ts'

export const environments = ['local', 'staging', 'production'] as const
export type EnvironmentName = (typeof environments)[number]

export type Variables = Readonly<Record<string, string | undefined>>

/** Everything that one deployment is made of, read from its own file. */
export type Plan = {
  readonly environment: EnvironmentName
  readonly file: string
  readonly variables: Variables
  /** Absent where the configuration is not whole. */
  readonly config: Config | undefined
  /** Of the issuer; absent where there is none that can be read. */
  readonly host: string | undefined
  readonly workerName: string
}

const workerNames = {
  local: 'auth-agent-mcp',
  staging: 'auth-agent-mcp-staging',
  production: 'auth-agent-mcp-production',
}

export async function readPlan(environment: EnvironmentName, file: string): Promise<Plan> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Sentence(
      `${file} cannot be read: it holds the configuration and the secrets of ${environment}. docs/deploy.md shows how to make it.`,
    )
  })
  const read: Variables = parseEnv(text)
  const issuer = read.ISSUER ?? ''
  const host = URL.canParse(issuer) ? new URL(issuer).host : undefined
  return { environment, file, variables: read, config: configOf(read), host, workerName: workerNames[environment] }
}

/** The public variables that are set, as `wrangler deploy --var` takes them. */
export function publicVariables(read: Variables): readonly string[] {
  return variables.flatMap(({ name, isSecret }) => {
    const value = read[name]
    return isSecret || value === undefined || value === '' ? [] : [`${name}:${value}`]
  })
}

/** The secrets that are set. */
export function secretsOf(read: Variables): Readonly<Record<string, string>> {
  const entries = variables.flatMap(({ name, isSecret }) => {
    const value = read[name]
    return isSecret && value !== undefined && value !== '' ? [[name, value] as const] : []
  })
  return Object.fromEntries(entries)
}

const alone = 'Make secrets for each environment: npm run self-host -- make-secrets.'

/** Different per environment (SECURITY §5): what leaks from one opens no other. */
async function sharedProblems({ environment, file, variables: own }: Plan): Promise<readonly Problem[]> {
  const others = environments.filter((name) => name !== environment).map((name) => join(dirname(file), `${name}.env`))
  const problems: Problem[] = []
  for (const other of others) {
    const secrets = secretsOf(parseEnv(await readFile(other, 'utf8').catch(() => '')))
    const shared = Object.entries(secretsOf(own)).filter(([name, value]) => secrets[name] === value)
    problems.push(...shared.map(([name]) => problem.bad(`${name} is the same as in ${other}`, alone)))
  }
  return problems
}

async function fileProblems({ file }: Plan): Promise<readonly Problem[]> {
  const { mode } = await stat(file)
  return (mode & 0o077) === 0 ? [] : [problem.bad('others on this machine may read it', `chmod 600 ${file}`)]
}

function issuerProblems({ config, environment }: Plan): readonly Problem[] {
  if (config === undefined) return [problem.skipped('needs a whole configuration')]
  if (environment === 'local') return []
  if (config.issuerIsLoopback) return [problem.bad(`ISSUER is on loopback, which is for local alone`)]
  const problems: Problem[] = []
  if (new URL(config.issuer).port !== '')
    problems.push(problem.bad('ISSUER has a port: Cloudflare serves a host alone'))
  if (config.supabase.url.startsWith('http:')) {
    problems.push(problem.bad('SUPABASE_URL is on loopback: Cloudflare cannot reach it'))
  }
  return problems
}

/** What can be said of the file by itself. */
export function planChecks(plan: Plan): readonly Check[] {
  const mend = `Put it into ${plan.file}; docs/configuration.md says what each variable is, npm run self-host -- make-secrets makes secrets.`
  return [
    { name: 'configuration', mend, run: async () => configurationProblems(plan.variables) },
    { name: 'addresses', mend: `Correct it in ${plan.file}.`, run: async () => issuerProblems(plan) },
    { name: 'file of secrets', mend, run: () => fileProblems(plan) },
    { name: 'secrets of its own', mend: alone, run: () => sharedProblems(plan) },
  ]
}
