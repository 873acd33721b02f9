import * as z from 'zod/mini'
import { oldestSchemaVersion } from '../src/store/schema-version.ts'
import { type Check, type Problem, problem } from './findings.ts'
import expectedPrints from './function-prints.json' with { type: 'json' }

/** What `read_state` answers, as far as checks look at it. */
export const databaseState = z.object({
  schema_version: z.string(),
  issuer_epoch: z.number(),
  switches: z.record(z.string(), z.boolean()),
  now: z.string(),
  postgres: z.number(),
  functions: z.record(z.string(), z.string()),
  findings: z.array(z.string()),
})
export type DatabaseState = z.infer<typeof databaseState>

const oldestPostgres = 150_000
const clocksMayDifferMs = 5_000
const reach = 'See that it runs and that the login is right; docs/operating.md names the three ways in.'
const migrate =
  'Apply the migrations: npm run deploy does it, npm run self-host -- migrate on one machine, or supabase/migration-add-mcp.sql.'

/** The functions that are missing, changed by hand, or not of this release. */
function functionProblems(functions: DatabaseState['functions']): Problem[] {
  const expected: Readonly<Record<string, string>> = expectedPrints
  const names = [...new Set([...Object.keys(expected), ...Object.keys(functions)])]
  return names.flatMap((name) => {
    if (functions[name] === expected[name]) return []
    if (functions[name] === undefined) return [problem.bad(`${name} is missing`)]
    if (expected[name] === undefined) return [problem.bad(`${name} is not of this release`)]
    return [problem.bad(`${name} was changed by hand, or is granted to others`)]
  })
}

/** The checks of a database; `readState` is asked once for each. Where it is not reached, that alone is told. */
export function databaseChecks(readState: () => Promise<DatabaseState>): readonly Check[] {
  const check = (name: string, mend: string, judge: (state: DatabaseState) => readonly Problem[]): Check => ({
    name,
    mend,
    run: async () => {
      const state = await readState().catch(() => undefined)
      return state === undefined ? [problem.skipped('needs the database')] : judge(state)
    },
  })
  return [
    { name: 'database', mend: reach, run: () => readState().then(() => []) },
    check('schema version', migrate, ({ schema_version }) =>
      schema_version.toString() >= oldestSchemaVersion
        ? []
        : [problem.bad(`the database has ${schema_version}, this release wants ${oldestSchemaVersion} or a newer one`)],
    ),
    check('functions and grants', migrate, ({ functions }) => functionProblems(functions)),
    check(
      'roles and tables',
      'Take back what was granted by hand; docs/operating.md says what belongs to whom.',
      (state) => state.findings.map((finding) => problem.bad(finding)),
    ),
    check('PostgreSQL', 'Upgrade it to 15 or newer.', ({ postgres }) =>
      postgres >= oldestPostgres ? [] : [problem.bad(`version ${Math.floor(postgres / 10_000)} is too old`)],
    ),
    check('clock of the database', 'Let both machines keep their time by NTP.', ({ now }) => {
      const differenceMs = Math.abs(Date.parse(now) - Date.now())
      return differenceMs <= clocksMayDifferMs
        ? []
        : [problem.bad(`it differs by ${Math.round(differenceMs / 1_000)} s`)]
    }),
    check('switches', 'Turn it on again when it is time: npm run ops -- switch.', ({ switches }) =>
      Object.entries(switches).flatMap(([name, isOn]) => (isOn ? [] : [problem.warning(`${name} is off`)])),
    ),
  ]
}
