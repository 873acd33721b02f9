import { configOf, configurationChecks } from './check-configuration.ts'
import { type DatabaseState, databaseChecks, databaseState } from './check-database.ts'
import { issuerChecks } from './check-issuer.ts'
import { mailChecks, usualPlaces } from './check-mail.ts'
import type { Call, Command } from './command.ts'
import { type Check, problem, reportOf, runChecks } from './findings.ts'
import { issuerOf } from './live-issuer.ts'
import { type Report, Sentence } from './report.ts'

const whatToLookAt =
  'Say what to look at: --env-file with the file of the Worker’s variables, or --data .data for what npm start runs.'

async function examine(call: Call): Promise<Report> {
  const { keyFile, env } = call
  if (keyFile.isNone && env.ISSUER === undefined && call.values.issuer === undefined) throw new Sentence(whatToLookAt)
  const kept = keyFile.isNone ? {} : await keyFile.read()
  const variables = { ...env, ...kept }
  const config = configOf(variables)
  let asked: Promise<DatabaseState> | undefined
  const readState = () => {
    asked ??= call.attempt('read_state', {}).then((answer) => databaseState.parse(answer))
    return asked
  }
  const findings = await runChecks([
    ...configurationChecks(variables, keyFile.name),
    ...databaseChecks(readState),
    ...mailChecks(config, usualPlaces()),
    ...(await serverChecks(
      call,
      config?.signingKeys.map(({ kid }) => kid),
    )),
  ])
  return reportOf(findings)
}

async function serverChecks(call: Call, kids: readonly string[] | undefined): Promise<readonly Check[]> {
  try {
    return issuerChecks(await issuerOf(call), kids)
  } catch {
    const run = async () => [problem.skipped('needs an ISSUER')]
    return [{ name: 'server reachable', mend: '', run }]
  }
}

export const doctorCommands: readonly Command[] = [
  {
    name: 'doctor',
    operands: [],
    says: 'Looks at configuration, database, grants, clocks, mail, the running server and its metadata. Changes nothing.',
    options: { issuer: { type: 'string' } },
    optionsSay: { 'issuer <url>': 'the running server, where the file has no ISSUER' },
    run: examine,
  },
]
