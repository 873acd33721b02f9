import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { accessCheck, accessProblems } from '../operations/check-configuration.ts'
import { databaseChecks, databaseState } from '../operations/check-database.ts'
import { type MailPlaces, mailChecks, usualPlaces } from '../operations/check-mail.ts'
import { doorOf } from '../operations/command.ts'
import type { Surroundings } from '../operations/command-line.ts'
import { type Check, type Finding, reportOf, runChecks } from '../operations/findings.ts'
import { look } from '../operations/live-issuer.ts'
import { openOperator } from '../operations/operator.ts'
import { Sentence } from '../operations/report.ts'
import { accountChecks, accountOf, deployedChecks } from './cloudflare.ts'
import { migrate, migrationChecks } from './database.ts'
import { environments, type Plan, planChecks, readPlan } from './plan.ts'
import { smokeChecks } from './smoke.ts'
import { exposureCheck, projectCheck } from './supabase.ts'
import { realWrangler, settingChecks, type Wrangler } from './wrangler.ts'

const root = join(import.meta.dirname, '../..')

const usage = `npm run deploy -- <${environments.join('|')}> [options]

Checks everything, then migrates the database, deploys the Worker and looks at the live server. Says what is missing and how
to mend it. local is what npm start runs: everything is checked and nothing deployed.

  --file <file>    the configuration and the secrets of the environment (<environment>.env; local: .data/worker.env)
  --data <folder>  what npm start runs (.data), for local
  --dry-run        only the checks, and what would be done
  --json           the findings as JSON
`

export type DeploySurroundings = Surroundings & {
  readonly mail?: MailPlaces
  readonly wrangler?: Wrangler
}

type Options = {
  readonly plan: Plan
  readonly dataFolder: string | undefined
  readonly isDryRun: boolean
  readonly isJson: boolean
}

async function readOptions(args: readonly string[], { env }: Surroundings): Promise<Options | undefined> {
  const { values, positionals } = parse(args)
  if (values.help === true || positionals[0] === undefined) return undefined
  const environment = environments.find((name) => name === positionals.join(' '))
  if (environment === undefined) throw new Sentence(`Say one of ${environments.join(', ')}.\n\n${usage}`)
  const here = env.INIT_CWD ?? process.cwd()
  const dataFolder = environment === 'local' ? resolve(here, values.data ?? join(root, '.data')) : undefined
  const file =
    values.file ?? (dataFolder === undefined ? join(root, `${environment}.env`) : join(dataFolder, 'worker.env'))
  const plan = await readPlan(environment, resolve(here, file))
  return { plan, dataFolder, isDryRun: values['dry-run'] === true, isJson: values.json === true }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        'dry-run': { type: 'boolean' },
        file: { type: 'string' },
        data: { type: 'string' },
      },
    })
  } catch (error) {
    throw new Sentence(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  }
}

/** The database as an operator sees it, asked once for all checks. */
function stateChecks(open: () => ReturnType<typeof openOperator>): readonly Check[] {
  const ask = async () => {
    const operator = await open()
    try {
      const door = doorOf({ operator, name: 'deploy', requestId: 'ops_deploy' })
      return databaseState.parse(await door('read_state', {}, 'try'))
    } finally {
      await operator.close()
    }
  }
  let asked: ReturnType<typeof ask> | undefined
  return databaseChecks(() => {
    asked ??= ask()
    return asked
  })
}

function databaseSide({ plan, dataFolder }: Options): readonly Check[] {
  const { DATABASE_URL } = plan.variables
  return [accessCheck(plan.config), ...stateChecks(() => openOperator({ env: { DATABASE_URL }, dataFolder }))]
}

function checksBefore({ plan }: Options, around: DeploySurroundings): readonly Check[] {
  const own = [...planChecks(plan), settingChecks(plan), (around.wrangler ?? realWrangler).check(plan, around.env)]
  const mail = mailChecks(plan.config, around.mail ?? usualPlaces())
  if (plan.environment === 'local') return [...own, ...mail]
  const account = accountOf(plan.variables, around.env)
  const services = [...accountChecks(account, plan), projectCheck(plan, around.env), ...migrationChecks(plan.variables)]
  return [...own, ...mail, ...services]
}

const isBad = (findings: readonly Finding[]) => findings.some(({ state }) => state === 'bad')
const isPending = (findings: readonly Finding[]) =>
  findings.some(({ check, state }) => check === 'migrations' && state !== 'good')

/** Tells people of each step when it is over, and programs at the end. */
function createTeller({ isJson }: Options, { write }: Surroundings) {
  const all: Finding[] = []
  const say = async (line: string) => {
    if (!isJson) await write(`${line}\n`)
  }
  const finish = async (line: string): Promise<void> => {
    await (isJson ? write(`${JSON.stringify({ findings: all, end: line }, null, 2)}\n`) : say(line))
  }
  return {
    say,
    run: async (title: string, checks: readonly Check[]): Promise<readonly Finding[]> => {
      const findings = await runChecks(checks)
      all.push(...findings)
      await say([`${title}:`, ...reportOf(findings).lines, ''].join('\n'))
      return findings
    },
    end: async (line: string): Promise<number> => {
      await finish(line)
      return isBad(all) ? 1 : 0
    },
    fail: async (line: string): Promise<number> => {
      await finish(line)
      return 1
    },
  }
}

async function checkLocal(options: Options, around: DeploySurroundings): Promise<number> {
  const teller = createTeller(options, around)
  const checks = [...checksBefore(options, around), ...databaseSide(options), ...smokeChecks(options.plan)]
  const findings = await teller.run('What npm start runs', checks)
  return teller.end(
    isBad(findings) ? 'Something is not as it should be.' : 'All is as it should be; local is not deployed.',
  )
}

async function deploy(options: Options, around: DeploySurroundings): Promise<number> {
  const { plan, isDryRun } = options
  const teller = createTeller(options, around)
  const before = await teller.run('Before anything is changed', checksBefore(options, around))
  if (isBad(before)) return teller.end('Nothing was changed.')
  const afterMigrating = [...databaseSide(options), exposureCheck(plan, around.env)]
  if (isDryRun) {
    if (!isPending(before)) await teller.run('The database', afterMigrating)
    return teller.end(
      `A dry run: nothing was changed. It would migrate, deploy ${plan.workerName} to ${plan.host}, and look at it.`,
    )
  }
  const applied = await migrate(plan.variables)
  if (applied.length > 0) await waitUntilKnown(plan)
  await teller.say(applied.length === 0 ? 'There was nothing to migrate.\n' : `Applied ${applied.join(', ')}.\n`)
  if (isBad(await teller.run('The database', afterMigrating))) {
    return teller.end('The database is migrated, which the Worker of before bears; nothing was deployed.')
  }
  const failure = await uploadFailure(plan, around)
  if (failure !== undefined) return teller.fail(failure)
  await teller.say(`Deployed ${plan.workerName}.\n`)
  await waitUntilLive(plan)
  const account = accountOf(plan.variables, around.env)
  const live = [...(account === undefined ? [] : deployedChecks(account, plan)), ...smokeChecks(plan)]
  const isGood = !isBad(await teller.run('The live server', live))
  return teller.end(isGood ? `${plan.config?.issuer} is live.` : 'It is deployed, and not as it should be.')
}

async function uploadFailure(
  plan: Plan,
  { wrangler = realWrangler, env }: DeploySurroundings,
): Promise<string | undefined> {
  try {
    await wrangler.upload(plan, env)
    return undefined
  } catch (error) {
    if (!(error instanceof Sentence)) throw error
    return error.message
  }
}

/** PostgREST reads the new functions a moment after it was told; what it still misses then is told by the checks. */
async function waitUntilKnown({ config }: Plan): Promise<void> {
  const deadlineMs = Date.now() + 10_000
  while (config !== undefined && Date.now() < deadlineMs) {
    const problems = await accessProblems(config)
    if (problems.every(({ text }) => !text.includes('migrations are missing'))) return
    await delay(500)
  }
}

/** A new host gets its certificate in a minute or two; what is wrong after three is told by the checks. */
async function waitUntilLive({ config }: Plan): Promise<void> {
  const deadlineMs = Date.now() + 180_000
  while (Date.now() < deadlineMs) {
    const seen = await look(`${config?.issuer}/ready`).catch(() => undefined)
    if (seen?.status === 200) return
    await delay(2_000)
  }
}

/** Runs one command line and gives its exit code: 0 where everything is as it should be. */
export async function runDeploy(args: readonly string[], around: DeploySurroundings): Promise<number> {
  try {
    const options = await readOptions(args, around)
    if (options === undefined) {
      await around.write(usage)
      return args.some((word) => word === '--help' || word === '-h') ? 0 : 1
    }
    return await (options.plan.environment === 'local' ? checkLocal(options, around) : deploy(options, around))
  } catch (error) {
    if (!(error instanceof Sentence)) throw error
    await around.writeError(`${error.message}\n`)
    return 1
  }
}
