import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMemory } from '../../bench/workerd.ts'
import { meetFormPerson } from '../support/form-person.ts'
import { authorizeUrl, type Place, redirectUri, startPlace, verifier } from './place.ts'

let place: Place

beforeAll(async () => {
  // A small heap, because V8 lets a large one grow until its limit is near.
  place = await startPlace({ v8Flags: ['--max-heap-size=16'] })
})
afterAll(() => place.close())

type Registered = {
  client_id: string
  client_secret?: string
  token_endpoint_auth_method: string
  grant_types: string[]
}

async function register(metadata: unknown): Promise<Registered> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${place.issuer}/register`, { method: 'POST', headers, body: JSON.stringify(metadata) })
  if (response.status !== 201) throw new Error(`registering answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Registered
}

/** How many rows each table holds. */
async function rowCounts(): Promise<Record<string, unknown>> {
  const tables = await place.query(
    "select relname::text as name from pg_class where relnamespace = 'mcp_data'::regnamespace and relkind in ('r', 'p') order by 1",
  )
  const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::integer as rows from mcp_data.${name}`)
  const rows = await place.query(counts.join(' union all '))
  return Object.fromEntries(rows.map(({ name, rows: count }) => [String(name), count]))
}

async function registerMany(count: number, from: number): Promise<void> {
  const callers = 32
  let next = from
  const caller = async () => {
    while (next < from + count) {
      const method = next % 2 === 0 ? 'none' : 'client_secret_basic'
      await register({
        client_name: `Tool ${next++}`,
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: method,
      })
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
}

/** Own memory of the Worker's process in bytes; 0 where there is no /proc to tell it. */
const ownMemory = (): number => (existsSync('/proc/self') ? readMemory(place.worker().pid).anonymousBytes : 0)

test('D1 ten thousand registrations leave every table as it was, and the memory of the process', async () => {
  // The heap of a new process still finds its size.
  await registerMany(5_000, 0)
  const [rows, memoryBytes] = [await rowCounts(), ownMemory()]
  await registerMany(10_000, 5_000)
  expect(await rowCounts()).toEqual(rows)
  expect(Object.keys(rows).length).toBeGreaterThan(12)
  // Half a kilobyte kept of each would be more.
  expect(ownMemory() - memoryBytes).toBeLessThan(4 * 1_048_576)
})

const metadata = fc.record(
  {
    client_name: fc.string({ minLength: 1, maxLength: 30 }).filter((name) => /^[a-z ]*[a-z][a-z ]*$/i.test(name)),
    redirect_uris: fc.constantFrom(
      [redirectUri],
      ['http://127.0.0.1/cb', redirectUri],
      ['http://localhost/callback', 'odd://x'],
      ['cursor://anysphere.cursor-mcp/oauth/callback', 'https://www.cursor.com/cb', redirectUri],
    ),
    token_endpoint_auth_method: fc.constantFrom('none', 'client_secret_basic', 'client_secret_post', undefined),
    grant_types: fc.constantFrom(['authorization_code', 'refresh_token'], ['authorization_code'], undefined),
    client_uri: fc.constantFrom('https://good.dev', undefined),
  },
  { requiredKeys: ['redirect_uris'] },
)

/** The parameters and headers by which a client proves itself. */
function credentials({ client_id, client_secret, token_endpoint_auth_method }: Registered) {
  if (client_secret === undefined) return { fields: { client_id }, headers: {} }
  if (token_endpoint_auth_method === 'client_secret_post') return { fields: { client_id, client_secret }, headers: {} }
  const basic = Buffer.from(`${client_id}:${client_secret}`).toString('base64')
  return { fields: {}, headers: { authorization: `Basic ${basic}` } }
}

async function token(client: Registered, parameters: Record<string, string>) {
  const { fields, headers } = credentials(client)
  const body = new URLSearchParams({ ...fields, ...parameters })
  const response = await fetch(`${place.issuer}/token`, { method: 'POST', headers, body })
  return (await response.json()) as { access_token?: string; refresh_token?: string; error?: string }
}

/** From the browser to tokens, and to the next ones where the client may refresh. */
async function works(client: Registered): Promise<void> {
  const back = await meetFormPerson(place).approve(authorizeUrl(place, client.client_id))
  const code = back.searchParams.get('code') ?? ''
  const first = await token(client, { grant_type: 'authorization_code', code, code_verifier: verifier })
  expect(first.access_token).toBeDefined()
  if (!client.grant_types.includes('refresh_token')) return
  const second = await token(client, { grant_type: 'refresh_token', refresh_token: first.refresh_token ?? '' })
  expect(second.access_token).toBeDefined()
}

const newKey = (kid: string) => `${kid}:${randomBytes(32).toString('base64url')}`

test('every registration that was ever answered works on after restarts, with no client in the database and under added keys', async () => {
  const seed = randomBytes(4).readInt32BE()
  const clients = await Promise.all(fc.sample(metadata, { numRuns: 12, seed }).map(register))
  const { REGISTRATION_KEYS: old = '' } = place.variables()
  await place.restart({ REGISTRATION_KEYS: [newKey('later'), old].join(',') })
  clients.push(...(await Promise.all(fc.sample(metadata, { numRuns: 4, seed: seed + 1 }).map(register))))
  const { REGISTRATION_KEYS: both = '' } = place.variables()
  await place.restart({ REGISTRATION_KEYS: [newKey('last'), both].join(',') })
  await place.query('delete from mcp_data.clients')
  for (const client of clients) {
    await works(client).catch((cause: unknown) => {
      throw new Error(`made from seed ${seed}: ${JSON.stringify(client)}`, { cause })
    })
  }
  expect(await place.query('select count(*)::integer as n from mcp_data.clients')).toEqual([{ n: 0 }])
})

test('an id whose key was dropped is unknown, as is one of another deployment', async () => {
  const client = await register({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' })
  await place.restart({ REGISTRATION_KEYS: newKey('other') })
  const answer = await token(client, {
    grant_type: 'refresh_token',
    refresh_token: `mrt_${'A'.repeat(22)}.1.${'B'.repeat(43)}`,
  })
  expect(answer.error).toBe('invalid_client')
})
