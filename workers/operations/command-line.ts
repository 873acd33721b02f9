import { randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { type ParseArgsConfig, parseArgs, parseEnv } from 'node:util'
import { auditCommands } from './audit.ts'
import { clientCommands } from './clients.ts'
import { type Call, type Command, doorOf } from './command.ts'
import { doctorCommands } from './doctor.ts'
import { keyFileOf, readEnvironmentFile } from './key-file.ts'
import { keyCommands } from './keys.ts'
import { type Operator, openOperator } from './operator.ts'
import { type Report, Sentence, textOf } from './report.ts'
import { serverCommands } from './servers.ts'
import { settingCommands } from './settings.ts'
import { userCommands } from './users.ts'

const commands: readonly Command[] = [
  ...keyCommands,
  ...clientCommands,
  ...serverCommands,
  ...userCommands,
  ...settingCommands,
  ...auditCommands,
  ...doctorCommands,
]

const commonOptions = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean' },
  as: { type: 'string' },
  data: { type: 'string' },
  'env-file': { type: 'string' },
} as const satisfies ParseArgsConfig['options']

const commonSays = `  --dry-run            say what would happen, and change nothing
  --json               answer in JSON
  --as <name>          who operates; it stands in the audit events (your login name)
  --env-file <file>    the Worker's variables; its secrets are changed there
  --data <folder>      what npm start runs: .data

The database is DATABASE_URL (the login must be able to act as mcp_operator), or SUPABASE_URL with OPERATOR_KEY.`

function usage(): string {
  const lines = commands.map((command) => `  ${nameOf(command)}\n      ${command.says}`)
  return `npm run ops -- <command> [options]\n\n${lines.join('\n')}\n\nEach has --help, and:\n${commonSays}`
}

function usageOf({ optionsSay = {}, isFinal, ...command }: Command): string {
  const own = Object.entries(optionsSay).map(([option, says]) => `  --${option.padEnd(18)} ${says}`)
  const yes = isFinal
    ? ['  --yes                do it; without it this is only tried, for it cannot be taken back']
    : []
  return `npm run ops -- ${nameOf(command)} [options]\n\n${command.says}\n\n${[...own, ...yes, commonSays].join('\n')}`
}

function nameOf({ name, operands }: Pick<Command, 'name' | 'operands'>): string {
  return [name, ...operands.map((operand) => `<${operand}>`)].join(' ')
}

function findCommand(args: readonly string[]): Command {
  const words = args.filter((word) => !word.startsWith('-'))
  const command = commands.find(({ name }) => name.split(' ').every((word, place) => words[place] === word))
  if (command !== undefined) return command
  const option = args.findIndex((word) => word.startsWith('-'))
  const said = args.slice(0, option === -1 ? args.length : option).join(' ')
  throw new Sentence(`There is no command ${said}.\n\n${usage()}`)
}

function read(args: string[]) {
  if (args[0]?.startsWith('-') ?? true) return undefined
  const command = findCommand(args)
  try {
    const options = { ...commonOptions, ...command.options }
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    const operands = positionals.slice(command.name.split(' ').length)
    const isComplete = values.help === true || operands.length === command.operands.length
    if (!isComplete) throw new Sentence(`${wantedOperands(command)}\n\n${usageOf(command)}`)
    return { command, values, operands }
  } catch (error) {
    if (error instanceof Sentence) throw error
    throw new Sentence(`${error instanceof Error ? error.message : String(error)}\n\n${usageOf(command)}`)
  }
}

function wantedOperands({ name, operands }: Command): string {
  const wanted = operands.map((operand) => `<${operand}>`).join(' and ')
  return wanted === '' ? `${name} takes nothing but options.` : `${name} wants ${wanted}, and nothing else but options.`
}

/** What a command line finds around it; the program's own in `ops.ts`. */
export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly write: (text: string) => Promise<void>
  readonly writeError: (text: string) => Promise<void>
}

type Read = NonNullable<ReturnType<typeof read>>

/** As npm gives them: where the person is, not where the package lies. */
function pathOf(value: unknown, { env }: Surroundings): string | undefined {
  return typeof value === 'string' ? resolve(env.INIT_CWD ?? process.cwd(), value) : undefined
}

/** Opened at the first use: `operator-key` and a doctor without a database need none. */
function lazily(open: () => Promise<Operator>): Operator {
  let opened: Promise<Operator> | undefined
  const get = () => {
    opened ??= open()
    return opened
  }
  return {
    call: async (name, args) => (await get()).call(name, args),
    close: async () => opened?.then(({ close }) => close()).catch(() => {}),
  }
}

async function run({ command, operands, ...read }: Read, around: Surroundings): Promise<Report> {
  const values: Call['values'] = read.values
  const [dataFolder, envFile] = [pathOf(values.data, around), pathOf(values['env-file'], around)]
  const fromFile = envFile === undefined ? {} : parseEnv(await readEnvironmentFile(envFile))
  // A login of one's own counts before the one that deploys, which stands in the file.
  const hasOwnWay = around.env.DATABASE_URL || around.env.OPERATOR_KEY
  const { SUPABASE_URL, DATABASE_URL } = fromFile
  const env = { SUPABASE_URL, ...(!hasOwnWay && { DATABASE_URL }), ...around.env }
  const isFinal = command.isFinal === true || values.now === true
  const isDryRun = values['dry-run'] === true || (isFinal && values.yes !== true)
  const operator = lazily(() => openOperator({ env, dataFolder }))
  const name = typeof values.as === 'string' ? values.as : userInfo().username
  const door = doorOf({ operator, name, requestId: `ops_${randomBytes(8).toString('hex')}` })
  const keyFile = keyFileOf(envFile, dataFolder)
  const call = {
    operands,
    values,
    env,
    isDryRun,
    operator,
    keyFile,
    write: around.write,
    operate: (what: string, args: object) => door(what, { ...args }, isDryRun ? 'try' : 'do'),
    attempt: (what: string, args: object) => door(what, { ...args }, 'try'),
  }
  try {
    const report = await command.run(call)
    const wantsYes = isFinal && values.yes !== true && values['dry-run'] !== true && report.isGood
    return wantsYes ? { ...report, lines: [...report.lines, 'Say --yes to do it.'] } : report
  } finally {
    await operator.close()
  }
}

/** Runs one command line and gives its exit code: 0 where what was asked for is done, 1 otherwise. */
export async function runCommandLine(args: readonly string[], around: Surroundings): Promise<number> {
  try {
    const wanted = read([...args])
    if (wanted === undefined || wanted.values.help === true) {
      await around.write(`${wanted === undefined ? usage() : usageOf(wanted.command)}\n`)
      return 0
    }
    const report = await run(wanted, around)
    const text = textOf(report, wanted.values.json === true ? 'json' : 'text')
    await (report.isGood || wanted.values.json === true ? around.write : around.writeError)(text)
    return report.isGood ? 0 : 1
  } catch (error) {
    if (!(error instanceof Sentence)) throw error
    await around.writeError(`${error.message}\n`)
    return 1
  }
}
