// Writes workers/operations/function-prints.json: the fingerprint of every function of ours, in a database built by the
// migrations, so that an operator can tell one that was changed by hand. With --check it only compares.
import { join } from 'node:path'
import { withMigratedDatabase } from './built-database.ts'
import { writeOrCheck } from './generated-file.ts'

await withMigratedDatabase(async (query) => {
  const [row] = await query('select mcp_data.describe_functions() as prints', [])
  const prints = Object.entries(row?.prints ?? {}).sort(([one], [other]) => (one < other ? -1 : 1))
  await writeOrCheck(
    join(import.meta.dirname, '../../../workers/operations/function-prints.json'),
    `${JSON.stringify(Object.fromEntries(prints), null, 2)}\n`,
    'pnpm --dir supabase/local generate-function-prints',
  )
})
