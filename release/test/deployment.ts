import { startDatabase } from '../../supabase/local/src/database.ts'
import { freePort } from '../../supabase/local/src/free-port.ts'
import { type Mailbox, startMailbox } from '../../supabase/local/src/mailbox.ts'
import { makeWorkerSecrets } from '../../supabase/local/src/worker-secrets.ts'
import { workerVariables } from '../../supabase/local/src/worker-variables.ts'
import { approve, type OwnServer, registerOwnServer } from '../../workers/bench/visitor.ts'
import { runWorker } from '../../workers/test/support/worker-process.ts'

/** What outlives a database: the issuer's address, the Worker's secrets, where mail goes. */
export type Deployment = { issuer: string; port: number; secrets: Readonly<Record<string, string>>; mailbox: Mailbox }

export async function makeDeployment(): Promise<Deployment> {
  const secrets = await makeWorkerSecrets()
  const mailbox = await startMailbox({ secret: secrets.EMAIL_WEBHOOK_SECRET })
  const port = await freePort()
  return { issuer: `http://localhost:${port}`, port, secrets, mailbox }
}

/** Runs the Worker on this PostgreSQL, whose schema is brought up to date first. */
export async function runOn({ issuer, port, secrets, mailbox }: Deployment, databaseUrl: string) {
  const database = await startDatabase({ databaseUrl })
  const worker = await runWorker(port, workerVariables({ issuer, database, mailbox, secrets }))
  const close = async () => {
    await worker.close()
    await database.close()
  }
  return { query: database.query, close }
}

export type Tokens = { access_token: string; refresh_token: string }
type Answer = { status: number; json: Record<string, unknown> }

async function post(url: string, parameters: Record<string, string>, authorization?: string): Promise<Answer> {
  const headers = authorization === undefined ? {} : { Authorization: authorization }
  const response = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(parameters) })
  const text = await response.text()
  return { status: response.status, json: text === '' ? {} : JSON.parse(text) }
}

/** An owner's server at this issuer, and programs that are connected to it. */
export async function openServer({ issuer, mailbox }: Deployment) {
  const server: OwnServer = await registerOwnServer(issuer)
  const client_id = 'client_claude_code'
  const take = ({ status, json }: Answer): Tokens => {
    if (status !== 200) throw new Error(`/token answered ${status}: ${JSON.stringify(json)}`)
    return { access_token: String(json.access_token), refresh_token: String(json.refresh_token) }
  }
  const refresh = ({ refresh_token }: Tokens) =>
    post(`${issuer}/token`, { grant_type: 'refresh_token', refresh_token, client_id })
  return {
    connect: async (): Promise<Tokens> => {
      const approved = await approve({ issuer, mailboxUrl: mailbox.url }, server)
      const resource = server.server_url
      return take(await post(`${issuer}/token`, { grant_type: 'authorization_code', resource, ...approved }))
    },
    refresh,
    refreshed: async (tokens: Tokens): Promise<Tokens> => take(await refresh(tokens)),
    revoke: ({ refresh_token }: Tokens) => post(`${issuer}/revoke`, { token: refresh_token, client_id }),
    isActive: async ({ access_token }: Tokens): Promise<unknown> => {
      const { json } = await post(`${issuer}/introspect`, { token: access_token }, `Bearer ${server.api_key}`)
      return json.active
    },
  }
}
