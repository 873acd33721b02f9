import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { makeApiKey } from 'auth-agent-mcp-local/src/api-key.ts'
import { NoAnswer, openPool } from 'auth-agent-mcp-local/src/pool.ts'
import * as z from 'zod/mini'
import { createStore } from '../src/store/client.ts'
import { Sentence } from './report.ts'

export type Arguments = Readonly<Record<string, unknown>>

/** A way to the functions for operators, and to nothing else. */
export type Operator = {
  readonly call: (name: 'operate' | 'export_events', args: Arguments) => Promise<unknown>
  readonly close: () => Promise<void>
}

export type Place = {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder of `npm start`. */
  readonly dataFolder?: string | undefined
}

const timeoutMs = 35_000
const keyLifetimeSeconds = 3_600

/**
 * Opens the database as mcp_operator, the role that may do what an operator's commands do and nothing else (SECURITY §27):
 * over the RPC surface with a key of that role, or over PostgreSQL, where the login takes that role before anything else.
 * @throws Sentence when nothing says how to get there
 */
export async function openOperator({ env, dataFolder }: Place): Promise<Operator> {
  if (dataFolder !== undefined) return overRpc(await localSurface(dataFolder))
  const { DATABASE_URL, SUPABASE_URL, OPERATOR_KEY } = env
  if (DATABASE_URL) return overPostgres(DATABASE_URL)
  if (SUPABASE_URL && !/^https?:\/\//.test(SUPABASE_URL))
    throw new Sentence('SUPABASE_URL must be the URL of the project.')
  if (SUPABASE_URL && OPERATOR_KEY) return overRpc({ url: SUPABASE_URL, key: OPERATOR_KEY })
  throw new Sentence(
    'Say where the database is: DATABASE_URL, or SUPABASE_URL with OPERATOR_KEY, or --data .data for what npm start runs.',
  )
}

function overRpc({ url, key }: { readonly url: string; readonly key: string }): Operator {
  const store = createStore({ url: new URL(url).origin, key, timeoutMs, fetchUrl: fetch })
  return {
    call: (name, args) => store.call(name, args).catch((error: unknown) => Promise.reject(unreachable(error))),
    close: () => Promise.resolve(),
  }
}

const refusal = z.object({ message: z.string(), code: z.optional(z.string()) })

function unreachable(error: unknown): Error {
  const cause = refusal.safeParse(error instanceof Error ? error.cause : undefined)
  if (!cause.success) return error instanceof Error ? error : new Error(String(error))
  if (cause.data.code === '42501') return new Sentence('This key may not operate: it must be of the role mcp_operator.')
  return new Sentence(`The database does not answer: ${cause.data.message}`)
}

/** One connection, one transaction a call: poolers that share connections take no setting of a session. */
function overPostgres(databaseUrl: string): Operator {
  const pool = openPool(databaseUrl, 1)
  return {
    call: async (name, args) => {
      const entries = Object.entries(args)
      const list = entries.map(([argument], place) => `${argument} => $${place + 1}`).join(', ')
      await pool.query('begin').catch((error: unknown) => Promise.reject(noAnswer(error)))
      try {
        await pool.query('set local role mcp_operator').catch((error: unknown) => Promise.reject(noOperator(error)))
        const [row] = await pool.query(
          `select mcp.${name}(${list}) as answer`,
          entries.map(([, value]) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value)),
        )
        await pool.query('commit')
        return row?.answer
      } catch (error) {
        await pool.query('rollback').catch(() => {})
        throw error
      }
    },
    close: pool.close,
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const noAnswer = (error: unknown) => new Sentence(new NoAnswer(error).message)

const noOperator = (error: unknown) =>
  new Sentence(
    `This login cannot act as mcp_operator (${messageOf(error)}): grant that role to it, or apply the migrations where there is none.`,
  )

/** What `npm start` keeps: the surface's address among the Worker's variables, and the secret that signs its keys. */
async function localSurface(folder: string): Promise<{ readonly url: string; readonly key: string }> {
  const read = (name: string) =>
    readFile(join(folder, name), 'utf8').catch(() => {
      throw new Sentence(`${folder} is not the folder of a running npm start: it has no ${name}.`)
    })
  const url = parseEnv(await read('worker.env')).SUPABASE_URL ?? ''
  const secrets = z.object({ JWT_SECRET: z.string() }).parse(JSON.parse(await read('secrets.json')))
  return { url, key: await makeOperatorKey(secrets.JWT_SECRET) }
}

/** A key of the role mcp_operator that ends by itself after an hour. */
export function makeOperatorKey(jwtSecret: string): Promise<string> {
  return makeApiKey('mcp_operator', jwtSecret, Math.floor(Date.now() / 1_000) + keyLifetimeSeconds)
}
