import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { faults } from '../../workers/test/faults/faults.ts'
import { generatedNotice, markdownTable } from './markdown.ts'

const root = join(import.meta.dirname, '../..')
const folders = ['workers/test/faults', 'workers/test/attacks']

/** The files whose tests inject a fault: its id stands in a name, or in a row of one. */
function testsOf(id: string): string {
  const files = folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.endsWith('/faults.test.ts'))
  const injecting = tests.filter((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return text.includes(`[${id}]`) || text.includes(`'${id}',`)
  })
  return injecting.map((file) => `[${basename(file, '.test.ts')}](../${file})`).join(', ')
}

export function faultsPage(): string {
  const rows = faults.map(({ id, fault, seen, kept }) => [fault, `${seen}.`, kept, testsOf(id)])
  return `# Faults

${generatedNotice('workers/test/faults/faults.ts')}

What goes wrong between the parts, what a caller then sees, and what is not lost. Each row is injected by a test into the real
parts: the Worker in workerd, the RPC surface, a PostgreSQL, a mailbox, with a proxy between each two that fails as it is told.
For most rows the fault strikes at every step of a connection's life, from the first page to its revocation; the very same
request is sent again when it is over, and connections and events are counted.

${markdownTable(['fault', 'what is seen', 'what is kept', 'tests'], rows)}

## How long things take

The limits nest, so that who is asked gives up before who asks: a lock is waited for 1 s, a statement ends after 3 s, the RPC
surface gives up after 0.8 s without a connection and after 3.9 s without an answer, the Worker after 5 s. With PostgREST set
\`db-pool-acquisition-timeout = 1\`: by default it lets a call wait for 10 s, and would then do what nobody waits for any more. A Supabase project has that default and no way to change it; where its pool stays
exhausted for seconds, calls may end like a lost answer above. \`AuthAgentDatabaseUnavailable\` tells of it: give the project more
connections.

## Retries

The server repeats no call to the database that changes something, and none at all by itself. \`Retry-After\` tells clients when to come
again; the SDKs try to connect once more, and fail closed with 503. A refresh that is repeated gets the same successor
([HTTP contract](http-contract.md)).
`
}
