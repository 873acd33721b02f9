import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyLimitBytes, type Difference, differences } from '../src/not-imitated.ts'
import { type CallOptions, call, openSurface, type Surface } from './surfaces.ts'

let surface: Surface
beforeAll(async () => {
  surface = await openSurface('embedded')
})
afterAll(() => surface?.close())

async function expectRefusal(status: number, difference: Difference, options: CallOptions, code = 'NOT_IMITATED') {
  const response = await call(surface, 'whoami', {}, options)
  expect(response.status).toBe(status)
  if (options.method === 'HEAD') return
  const problem = (await response.json()) as Record<string, unknown>
  expect(problem.code).toBe(code)
  if (code === 'NOT_IMITATED') expect(problem.message).toBe(differences[difference])
}

// One for each entry: the compiler sees to it that none is left out.
const shown: Record<Difference, (difference: Difference) => Promise<void>> = {
  tables: (it) => expectRefusal(404, it, { path: '/rest/v1/accounts' }),
  description: (it) => expectRefusal(404, it, { path: '/rest/v1/', method: 'GET' }),
  otherServices: async (it) => {
    for (const path of ['/auth/v1/token', '/storage/v1/object', '/graphql/v1', '/']) {
      await expectRefusal(404, it, { path })
    }
  },
  get: async (it) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) await expectRefusal(405, it, { method })
  },
  query: (it) => expectRefusal(400, it, { path: '/rest/v1/rpc/whoami?select=role' }),
  prefer: (it) => expectRefusal(400, it, { headers: { prefer: 'count=exact' } }),
  range: (it) => expectRefusal(416, it, { headers: { range: '0-1' } }),
  accept: (it) => expectRefusal(406, it, { headers: { accept: 'application/vnd.pgrst.object+json' } }),
  contentType: (it) => expectRefusal(415, it, { headers: { 'content-type': 'text/csv' } }),
  bulk: (it) => expectRefusal(400, it, { body: '[{}]' }, 'PGRST102'),
  otherSchemas: (it) => expectRefusal(406, it, { headers: { 'content-profile': undefined } }, 'PGRST106'),
  unnamedArguments: (it) => expectRefusal(404, it, { path: '/rest/v1/rpc/unnamed', body: '{"":1}' }, 'PGRST202'),
  signingKeys: (it) => expectRefusal(401, it, { key: es256Jwt }, 'PGRST301'),
  anonymous: (it) => expectRefusal(401, it, { headers: { apikey: undefined, authorization: undefined } }, 'PGRST302'),
  requestSettings: async () => {
    expect(await (await call(surface, 'whoami', {})).json()).toMatchObject({ headers: null })
  },
  responseSettings: async () => {
    expect((await call(surface, 'set_status', {})).status).toBe(204)
  },
  bodyLimit: (it) => expectRefusal(413, it, { body: JSON.stringify({ p_text: 'x'.repeat(bodyLimitBytes) }) }),
  statementTimeout: async () => {
    // This role's statement_timeout is 100 ms; over a real database rpc.test.ts sees it fire.
    expect((await call(surface, 'wait', { p_seconds: 0.2 }, { role: 'surface_hurried' })).status).toBe(204)
  },
  concurrency: async () => {
    // Both see the same server process.
    const pid = () => surface.backend.query('select pg_backend_pid() as pid', [])
    const [one, other] = await Promise.all([pid(), pid()])
    expect(one).toEqual(other)
  },
  durability: async () => {
    expect(await surface.backend.query('show fsync', [])).toEqual([{ fsync: 'off' }])
  },
  superuser: async () => {
    const [row] = await surface.backend.query('select rolsuper from pg_roles where rolname = current_user', [])
    expect(row?.rolsuper).toBe(true)
  },
}

const es256Jwt = [
  Buffer.from('{"alg":"ES256"}').toString('base64url'),
  Buffer.from('{"role":"service_role"}').toString('base64url'),
  Buffer.alloc(64).toString('base64url'),
].join('.')

describe('what the local surface does not imitate', () => {
  it.each(Object.keys(differences) as Difference[])('%s is refused or differs as the list says', (difference) =>
    shown[difference](difference),
  )

  it('is a list that the README of this folder repeats word for word', async () => {
    const readme = await readFile(`${import.meta.dirname}/../README.md`, 'utf8')
    expect(Object.values(differences).filter((sentence) => !readme.includes(sentence))).toEqual([])
  })
})
