import { beforeAll, expect, it } from 'vitest'
import {
  authorize,
  connect,
  exchange,
  form,
  type Grant,
  house,
  isActive,
  type Owner,
  openServer,
  refresh,
  registerClient,
  tokensOf,
} from '../support/worker/flow.ts'
import { type Answer, brokenStore, openHouse } from '../support/worker/house.ts'
import { changeConnection, eventsOf, sql } from '../support/worker/sql.ts'
import type { Fields } from '../worker/requests.ts'
import { meetVisitor } from '../worker/visitor.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

const newGrant = (fields: Fields = {}) => authorize({ resource: owner.server_url, ...fields })

async function refusesAndKeeps(grant: Grant, wrong: Fields, [status, error]: [number, string]): Promise<void> {
  const answer = await exchange(grant, wrong)
  expect([answer.status, answer.json?.error]).toEqual([status, error])
  expect((await exchange(grant)).status).toBe(200)
}

const refusal = ({ status, json }: Answer) => [status, json?.error]

it('F1 is refused a second time, and everything that came from it is revoked (OAuth 2.1 §7.5.3)', async () => {
  const grant = await newGrant()
  const tokens = tokensOf(await exchange(grant))
  expect(await isActive(owner, tokens.access_token)).toBe(true)
  const replay = await exchange(grant)
  expect(refusal(replay)).toEqual([400, 'invalid_grant'])
  expect(replay.json?.error_uri).toBe(`${house.issuer}/errors#code_replayed`)
  expect(await isActive(owner, tokens.access_token)).toBe(false)
  expect(refusal(await refresh(tokens.refresh_token))).toEqual([400, 'invalid_grant'])
  expect(await eventsOf(grant.code)).toContain('authorization_code.replayed')
})

it('F2 kills nothing when it is replayed with a wrong verifier or by another client', async () => {
  const grant = await newGrant()
  const tokens = tokensOf(await exchange(grant))
  expect(refusal(await exchange(grant, { code_verifier: 'v'.repeat(43) }))).toEqual([400, 'invalid_grant'])
  expect(refusal(await exchange(grant, { client_id: await registerClient() }))).toEqual([400, 'invalid_grant'])
  expect(refusal(await exchange(grant, { redirect_uri: 'http://localhost:1/callback' }))).toEqual([
    400,
    'invalid_grant',
  ])
  expect(await isActive(owner, tokens.access_token)).toBe(true)
  expect((await refresh(tokens.refresh_token)).status).toBe(200)
})

it('F3 gives one set of tokens to parallel redemptions, which ends revoked: the others are valid replays', async () => {
  const grant = await newGrant()
  const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(grant)))
  const won = answers.filter(({ status }) => status === 200)
  expect(won).toHaveLength(1)
  expect(answers.filter((answer) => answer.json?.error === 'invalid_grant')).toHaveLength(19)
  const rows = await sql('select revoked_reason from mcp_data.connections where connection_id = $1', [
    grant.code.slice(4, 26),
  ])
  expect(rows).toEqual([{ revoked_reason: 'code_replayed' }])
})

it('F4 is bound to its verifier, and a wrong one does not burn it (RFC 7636 §4.6)', async () => {
  const [a, b] = [await newGrant(), await newGrant()]
  await refusesAndKeeps(a, { code_verifier: b.verifier }, [400, 'invalid_grant'])
  expect(await eventsOf(a.code)).toContain('pkce.failed')
})

it('F5 is bound to its client, and works on for the right one (OAuth 2.1 §4.1.3)', async () => {
  await refusesAndKeeps(await newGrant(), { client_id: await registerClient() }, [400, 'invalid_grant'])
})

it('F6 needs the redirect_uri of its request where one is sent', async () => {
  await refusesAndKeeps(await newGrant(), { redirect_uri: 'http://localhost:51005/callback' }, [400, 'invalid_grant'])
})

it.each([
  ['missing', undefined],
  ['of 42 characters', 'a'.repeat(42)],
  ['of 129 characters', 'a'.repeat(129)],
  ['with illegal characters', `${'a'.repeat(43)}!`],
])('F8 is not burnt by a verifier that is %s (RFC 7636 §4.1)', async (_name, code_verifier) => {
  await refusesAndKeeps(await newGrant(), { code_verifier }, [400, 'invalid_request'])
})

it('F9 expires, by the clock of the database (OAuth 2.1 §4.1.2)', async () => {
  const grant = await newGrant()
  await changeConnection(
    grant.code,
    "created_at = now() - interval '2 minutes', code_expires_at = now() - interval '1 second'",
  )
  const answer = await exchange(grant)
  expect(refusal(answer)).toEqual([400, 'invalid_grant'])
  expect(answer.json?.error_uri).toContain('#code_expired')
})

it('F10 F27 is not burnt by another resource, which is invalid_target (RFC 8707 §2.2)', async () => {
  const elsewhere = (await openServer()).server_url
  await refusesAndKeeps(await newGrant(), { resource: elsewhere }, [400, 'invalid_target'])
})

it('F27 takes the resource that was authorized, in an equivalent spelling (INTEROP 4.2)', async () => {
  const resource = owner.server_url.replace('http://localhost', 'HTTP://LOCALHOST')
  expect((await exchange(await newGrant(), { resource })).status).toBe(200)
})

it('F26 is not burnt by a wider scope; a narrower one is told in the answer (RFC 6749 §3.3)', async () => {
  await refusesAndKeeps(await newGrant({ scope: 'files:read' }), { scope: 'files:read files:write' }, [
    400,
    'invalid_scope',
  ])
  expect((await exchange(await newGrant(), { scope: 'files:read' })).json?.scope).toBe('files:read')
})

it('F28 is dead when its account, client or server died meanwhile', async () => {
  const someone = meetVisitor()
  const grant = await authorize({ resource: owner.server_url }, someone)
  await sql('update mcp_data.accounts set disabled_at = now() where email = $1', [someone.email])
  expect(refusal(await exchange(grant))).toEqual([400, 'invalid_grant'])

  const dying = await openServer()
  const late = await authorize({ resource: dying.server_url })
  await house.send(`/api/servers/${dying.server_id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${dying.management_token}` },
  })
  expect(refusal(await exchange(late))).toEqual([400, 'invalid_grant'])
})

it('F24 is 503 with Retry-After and a fixed text; the log has the cause once', async () => {
  const broken = openHouse({ dependencies: { store: brokenStore } })
  const answer = await exchange(await newGrant(), { client_id: 'client_not_remembered' }, broken)
  expect(refusal(answer)).toEqual([503, 'temporarily_unavailable'])
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(answer.text).not.toContain('relation')
  expect(broken.lines.filter((line) => JSON.stringify(line).includes('relation'))).toHaveLength(1)
})

it('F29 keeps an exchanged code exchanged when its answer was lost: nothing is issued twice', async () => {
  const grant = await newGrant()
  const losing = openHouse({
    dependencies: {
      store: {
        call: async (name, args) => {
          await house.dependencies.store.call(name, args)
          return brokenStore.call(name, args)
        },
      },
    },
  })
  expect((await exchange(grant, {}, losing)).status).toBe(503)
  expect(refusal(await exchange(grant))).toEqual([400, 'invalid_grant'])
})

it('F30 are never equal: each has random bits of its own', async () => {
  const tokens = await connect(owner, {})
  const retries = await Promise.all(Array.from({ length: 5 }, () => refresh(tokens.refresh_token)))
  const accessTokens = retries.map((answer) => tokensOf(answer).access_token)
  expect(new Set(accessTokens).size).toBe(5)
})

it('F31 are readable from any page without credentials, and the origin is never reflected', async () => {
  for (const origin of ['https://a.example', 'null']) {
    const answer = await house.send('/token', form({ grant_type: 'x' }, { origin }))
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false)
  }
})
