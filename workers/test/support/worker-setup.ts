import { startDatabase } from 'auth-agent-mcp-local/src/database.ts'
import { startMailbox } from 'auth-agent-mcp-local/src/mailbox.ts'
import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { workerVariables } from 'auth-agent-mcp-local/src/worker-variables.ts'
import type { TestProject } from 'vitest/node'
import { openDocumentHost } from './document-host.ts'
import type {} from './provided.ts'
import { openSqlSurface } from './sql-surface.ts'

/** One database and one mailbox for all tests that run inside workerd; each test brings servers and people of its own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const secrets = await makeWorkerSecrets()
  const mailbox = await startMailbox({ secret: secrets.EMAIL_WEBHOOK_SECRET })
  const database = await startDatabase()
  const sql = await openSqlSurface(database.query)
  const documentHost = await openDocumentHost()
  const issuer = 'http://localhost:9400'
  project.provide('workerVariables', workerVariables({ issuer, database, mailbox, secrets }))
  project.provide('mailboxUrl', mailbox.url)
  project.provide('serviceKey', database.keys.service)
  project.provide('sqlUrl', sql.url)
  project.provide('documentHostUrl', documentHost.url)
  return async () => {
    await documentHost.close()
    await sql.close()
    await database.close()
    await mailbox.close()
  }
}
