/** Starts what is measured: a database behind its RPC surface, the authorization server and the bare Worker, each on plain workerd. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Database, startDatabase } from '../../supabase/local/src/database.ts'
import { startMailbox } from '../../supabase/local/src/mailbox.ts'
import { startPostgres } from '../../supabase/local/src/postgres.ts'
import type { KeyRing } from '../src/crypto/digest.ts'
import type { Bundle } from './bundle.ts'
import type { Template } from './connections.ts'
import { type ApprovedCode, approve, type OwnServer, registerOwnServer } from './visitor.ts'
import { startWorkerd, type Workerd } from './workerd.ts'

export type DatabaseKind = 'embedded' | 'real'
export type Bundles = { server: Bundle; bare: Bundle }

export type UnderTest = {
  issuer: string
  database: Database
  databasePort: number
  server: Workerd
  ownServer: OwnServer
  approved: ApprovedCode
  template: Template
  startBare: (rpc: { name: string; args: object }) => Promise<Workerd>
  close: () => Promise<void>
}

/**
 * V8 in workerd collects its old generation only when a limit comes near, and without one a bare Hono route grows by
 * megabytes a second. Cloudflare gives an isolate 128 MB; this is what a small machine would give it.
 */
export const v8Flags = ['--max-heap-size=24']

export function readCompatibilityDate(): string {
  const settings = readFileSync(join(import.meta.dirname, '../wrangler.jsonc'), 'utf8')
  const date = /"compatibility_date":\s*"([\d-]+)"/.exec(settings)?.[1]
  if (date === undefined) throw new Error('wrangler.jsonc names no compatibility_date')
  return date
}

/** A database that syncs to disk as a production one does: the numbers are not those of a test database. */
async function openDatabase(kind: DatabaseKind): Promise<{ database: Database; close: () => Promise<void> }> {
  if (kind === 'embedded') {
    const database = await startDatabase()
    return { database, close: database.close }
  }
  const postgres = await startPostgres({ fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' })
  const database = await startDatabase({ databaseUrl: postgres.url })
  const close = async (): Promise<void> => {
    await database.close()
    await postgres.close()
  }
  return { database, close }
}

type Secrets = { peppers: KeyRing; bindings: Record<string, string>; mailSecret: string }

function makeSecrets(): Secrets {
  const pepper = new Uint8Array(randomBytes(32))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signingKey = { ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256' }
  const mailSecret = randomBytes(32).toString('base64url')
  return {
    peppers: [{ kid: 'bench', key: pepper }],
    mailSecret,
    bindings: {
      TOKEN_PEPPERS: `bench:${Buffer.from(pepper).toString('base64url')}`,
      COOKIE_KEYS: `bench:${randomBytes(32).toString('base64url')}`,
      SIGNING_KEYS: JSON.stringify([signingKey]),
      EMAIL_SENDER: 'webhook',
      EMAIL_WEBHOOK_SECRET: mailSecret,
    },
  }
}

/** The issuer is configuration, so its port must be known before workerd listens. */
async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

export async function startUnderTest(kind: DatabaseKind, bundles: Bundles): Promise<UnderTest> {
  const compatibilityDate = readCompatibilityDate()
  const { database, close: closeDatabase } = await openDatabase(kind)
  const secrets = makeSecrets()
  const mailbox = await startMailbox({ secret: secrets.mailSecret })
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const supabase = { SUPABASE_URL: database.url, SUPABASE_KEY: database.keys.worker }
  const mail = { EMAIL_WEBHOOK_URL: `${mailbox.url}/api/messages` }
  const bindings = { ISSUER: issuer, ...supabase, ...mail, ...secrets.bindings }
  const server = await startWorkerd({ bundlePath: bundles.server.path, compatibilityDate, port, bindings, v8Flags })
  const workers = [server]
  const startBare: UnderTest['startBare'] = async ({ name, args }) => {
    const rpc = { RPC_NAME: name, RPC_ARGUMENTS: JSON.stringify(args) }
    const bindings = { ...supabase, ...rpc }
    const bare = await startWorkerd({ bundlePath: bundles.bare.path, compatibilityDate, port: 0, bindings, v8Flags })
    workers.push(bare)
    return bare
  }
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.stop()))
    await mailbox.close()
    await closeDatabase()
  }
  try {
    const ownServer = await registerOwnServer(issuer)
    const approved = await approve({ issuer, latestMail: () => mailbox.messages()[0] }, ownServer)
    const template = { query: database.query, peppers: secrets.peppers, code: approved.code }
    const databasePort = Number(new URL(database.url).port)
    return { issuer, database, databasePort, server, ownServer, approved, template, startBare, close }
  } catch (error) {
    console.error(server.recentLog().slice(-10).join('\n'))
    await close()
    throw error
  }
}
