/** Writes the pages of docs/ that are made from the code, or the made part of one; --check only compares. */
import { join } from 'node:path'
import { writeOrCheck } from '../../supabase/local/scripts/generated-file.ts'
import { clientsPage } from './clients-page.ts'
import { configurationPage } from './configuration-page.ts'
import { errorsPage } from './errors-page.ts'
import { faultsPage } from './faults-page.ts'
import { logsPage } from './logs-page.ts'
import { pagesPage } from './pages-page.ts'
import { threatsPage } from './threats-page.ts'

const docs = join(import.meta.dirname, '..')
const command = 'node docs/scripts/generate-pages.ts'

await writeOrCheck(join(docs, 'clients.md'), clientsPage(), command)
await writeOrCheck(join(docs, 'configuration.md'), configurationPage(), command)
await writeOrCheck(join(docs, 'errors.md'), errorsPage(), command)
await writeOrCheck(join(docs, 'faults.md'), faultsPage(), command)
await writeOrCheck(join(docs, 'logs.md'), logsPage(), command)
await writeOrCheck(join(docs, 'pages.md'), pagesPage(), command)
await writeOrCheck(join(docs, 'threats.md'), threatsPage(), command)
