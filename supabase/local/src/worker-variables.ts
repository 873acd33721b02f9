import type { Database } from './database.ts'
import type { Mailbox } from './mailbox.ts'
import { secretNames } from './worker-secrets.ts'

type Parts = {
  issuer: string
  database: Pick<Database, 'url' | 'keys'>
  mailbox: Pick<Mailbox, 'url'>
  secrets: Readonly<Record<string, string>>
}

/** The Worker's variables for a database and a mailbox on this machine. */
export function workerVariables({ issuer, database, mailbox, secrets }: Parts): Record<string, string> {
  return {
    ...Object.fromEntries(secretNames.map((name) => [name, secrets[name] ?? ''])),
    ISSUER: issuer,
    SUPABASE_URL: database.url,
    SUPABASE_KEY: database.keys.worker,
    EMAIL_SENDER: 'webhook',
    EMAIL_WEBHOOK_URL: `${mailbox.url}/api/messages`,
  }
}
