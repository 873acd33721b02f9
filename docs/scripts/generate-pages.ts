/** Writes docs/configuration.md, docs/errors.md, docs/pages.md and docs/threats.md from the code; --check only compares. */
import { join } from 'node:path'
import { writeOrCheck } from '../../supabase/local/scripts/generated-file.ts'
import { configurationPage } from './configuration-page.ts'
import { errorsPage } from './errors-page.ts'
import { pagesPage } from './pages-page.ts'
import { threatsPage } from './threats-page.ts'

const docs = join(import.meta.dirname, '..')
const command = 'node docs/scripts/generate-pages.ts'

await writeOrCheck(join(docs, 'configuration.md'), configurationPage(), command)
await writeOrCheck(join(docs, 'errors.md'), errorsPage(), command)
await writeOrCheck(join(docs, 'pages.md'), pagesPage(), command)
await writeOrCheck(join(docs, 'threats.md'), threatsPage(), command)
