import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OwnServer, registerOwnServer } from '../../bench/visitor.ts'
import { connect, exchangeOf, isActive, post, redirectUri, refreshOf, tokensIn, walk } from './journey.ts'
import { startTwins, type Twins } from './twins.ts'

// A deployment spreads for a while: requests of one flow are answered by isolates with the variables of before and of now. So a
// key is first made known to all, behind the old one, and moves to the front with the next deployment.

let twins: Twins
let fresh: Readonly<Record<string, string>>
let server: OwnServer

beforeAll(async () => {
  twins = await startTwins()
  fresh = await makeWorkerSecrets()
  await twins.serveAs({}, {})
  server = await registerOwnServer(twins.issuer)
})
afterAll(() => twins.close())

const lists = ['TOKEN_PEPPERS', 'COOKIE_KEYS', 'REGISTRATION_KEYS'] as const

/** All four kinds of keys as one step of a rotation has them. */
function keysAt(step: 'before' | 'known' | 'in use'): Record<string, string> {
  const { secrets } = twins
  if (step === 'before') return {}
  const inOrder = (old = '', young = '') => (step === 'known' ? `${old},${young}` : `${young},${old}`)
  const [oldKey] = JSON.parse(secrets.SIGNING_KEYS ?? '[]') as object[]
  const [newKey] = JSON.parse(fresh.SIGNING_KEYS ?? '[]') as object[]
  const signing = step === 'known' ? [oldKey, { ...newKey, status: 'next' }] : [newKey, oldKey]
  return {
    ...Object.fromEntries(lists.map((name) => [name, inOrder(secrets[name], fresh[name])])),
    SIGNING_KEYS: JSON.stringify(signing),
  }
}

async function register(): Promise<string> {
  const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${twins.issuer}/register`, { method: 'POST', headers, body })
  return ((await answer.json()) as { client_id: string }).client_id
}

test.each([
  ['before', 'known'],
  ['known', 'in use'],
] as const)(
  'M4 [keys_differ] isolates with keys of the steps "%s" and "%s" answer each other’s requests: nothing is refused',
  async (one, other) => {
    await twins.serveAs(keysAt(one), keysAt(other))
    for (const first of [0, 1]) {
      twins.next(first)
      await walk({ place: twins, server })
      twins.next(first)
      // Registered at one, used at the other.
      await walk({ place: twins, server, client_id: await register() })
    }
  },
)

test('M4 [keys_differ] a key put in front at once: isolates of before refuse what is newer, end nothing, and those of now go on', async () => {
  await twins.serveAs(keysAt('before'), keysAt('in use'))
  const traveller = { place: twins, server }
  twins.only(1)
  const connected = await connect(traveller)
  const first = tokensIn(await exchangeOf(traveller, connected)())
  twins.only(0)
  const refused = await refreshOf(traveller, connected, first.refresh_token)()
  expect([refused.status, JSON.parse(refused.html).error]).toEqual([400, 'invalid_grant'])
  expect(await isActive(traveller, first.access_token)).toBe(false)
  await post(`${twins.issuer}/revoke`, { token: first.refresh_token, client_id: connected.client_id })
  twins.only(1)
  expect(await isActive(traveller, first.access_token)).toBe(true)
  expect((await refreshOf(traveller, connected, first.refresh_token)()).status).toBe(200)
})
