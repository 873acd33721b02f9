import { beforeAll, expect, it } from 'vitest'
import {
  basic,
  connect,
  form,
  house,
  introspect,
  isActive,
  makeKey,
  type Owner,
  openServer,
  revoke,
  type Tokens,
} from '../support/worker/flow.ts'
import { type Answer, brokenStore, openHouse } from '../support/worker/house.ts'
import { changeConnection, sql } from '../support/worker/sql.ts'

let owner: Owner
let tokens: Tokens
beforeAll(async () => {
  owner = await openServer()
  tokens = await connect(owner)
})

const refusal = ({ status, json }: Answer) => [status, json?.error]
const asking = (headers: Record<string, string>, token = tokens.access_token) =>
  house.send('/introspect', form({ token }, headers))

/** A key of the right shape and the wrong secret: its checksum does not fit. */
const invented = `sk_${'a'.repeat(61)}`

it('H1 must authenticate: no, a wrong or a foreign kind of credential get one and the same 401 (RFC 7662 §2.1)', async () => {
  const answers = [
    await asking({}),
    await asking({ authorization: basic(owner.server_id, invented) }),
    await asking({ authorization: basic('client_claude_code', 'secret') }),
    await asking({ authorization: `Bearer ${tokens.access_token}` }),
    await asking({ authorization: `Bearer ${owner.management_token}` }),
    await asking({ authorization: basic(owner.server_id, owner.key_id) }),
    await asking({ authorization: 'Basic !' }),
  ]
  for (const answer of answers) {
    expect(refusal(answer)).toEqual([401, 'invalid_client'])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
  }
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
})

it('H2 learns nothing of a token for another server: exactly {"active":false} (RFC 7662 §4)', async () => {
  const answer = await introspect(await openServer(), tokens.access_token)
  expect([answer.status, answer.text]).toEqual([200, '{"active":false}'])
})

it('H3 cannot tell unknown, expired, revoked, foreign and malformed tokens apart', async () => {
  const revoked = await connect(owner)
  await revoke(revoked.refresh_token)
  const other = await openServer()
  const foreign = await connect(other)
  const ended = await connect(owner)
  await changeConnection(
    ended.access_token,
    "created_at = now() - interval '91 days', refresh_expires_at = now() - interval '1 second'",
  )
  const [head, body] = tokens.access_token.split('.')
  const forged = `${head}.${body}.${'A'.repeat(86)}`
  const asked = [
    'garbage',
    forged,
    revoked.access_token,
    foreign.access_token,
    ended.access_token,
    tokens.refresh_token,
  ]
  const answers = await Promise.all(asked.map((token) => introspect(owner, token)))
  const seen = answers.map(({ status, text, headers }) => [status, text, [...headers.keys()].join()].join(' '))
  expect(new Set(seen).size).toBe(1)
  expect(answers[0]?.text).toBe('{"active":false}')
})

it('H5 gets the same answer for an unknown key and for a wrong secret, by the same work', async () => {
  const gone = await makeKey(owner.server_id, owner.management_token)
  await sql('delete from mcp_data.server_keys where key_id = $1', [gone.key_id])
  const other = await makeKey(owner.server_id, owner.management_token)
  await sql("update mcp_data.server_keys set key_digest = sha256('x'::bytea) where key_id = $1", [other.key_id])
  const unknown = await introspect({ ...owner, ...gone }, tokens.access_token)
  const wrong = await introspect({ ...owner, ...other }, tokens.access_token)
  expect(refusal(unknown)).toEqual([401, 'invalid_client'])
  expect([wrong.status, wrong.text]).toEqual([unknown.status, unknown.text])
})

it('H6 costs one database call, whatever number of keys there is, and none for an invented key', async () => {
  for (let keys = 0; keys < 5; keys++) await makeKey(owner.server_id, owner.management_token)
  house.calls.length = 0
  await introspect(owner, tokens.access_token)
  expect(house.calls).toEqual(['introspect_token'])
  house.calls.length = 0
  await introspect({ ...owner, key_secret: invented }, tokens.access_token)
  expect(house.calls).toEqual([])
})

it('H7 is refused at the very next call when its key was revoked or has expired', async () => {
  const key = await makeKey(owner.server_id, owner.management_token)
  expect(await isActive({ ...owner, ...key }, tokens.access_token)).toBe(true)
  const headers = { authorization: `Bearer ${owner.management_token}` }
  await house.send(`/api/servers/${owner.server_id}/keys/${key.key_id}`, { method: 'DELETE', headers })
  expect(refusal(await introspect({ ...owner, ...key }, tokens.access_token))).toEqual([401, 'invalid_client'])

  const old = await makeKey(owner.server_id, owner.management_token)
  const text =
    "update mcp_data.server_keys set created_at = now() - interval '2 days', expires_at = now() - interval '1 second' where key_id = $1"
  await sql(text, [old.key_id])
  expect(refusal(await introspect({ ...owner, ...old }, tokens.access_token))).toEqual([401, 'invalid_client'])
})

it('H7 is told nothing by garbage: a revoked key gets what any token of no shape gets, without a database call', async () => {
  house.calls.length = 0
  expect((await introspect(owner, 'garbage')).text).toBe('{"active":false}')
  expect(house.calls).toEqual([])
})

it('H12 sends its key in the header only, by POST only', async () => {
  const { key_secret } = owner
  expect((await house.send(`/introspect?token=x&api_key=${key_secret}`)).status).toBe(405)
  expect(refusal(await house.send(`/introspect?api_key=${key_secret}`, form({ token: 'x' })))).toEqual([
    401,
    'invalid_client',
  ])
  expect(refusal(await house.send('/introspect', form({ token: 'x', api_key: key_secret })))).toEqual([
    401,
    'invalid_client',
  ])
})

it('H12 gets inactive for a token that is too long, without a database call', async () => {
  house.calls.length = 0
  expect((await introspect(owner, 'a'.repeat(9_000))).text).toBe('{"active":false}')
  expect(house.calls).toEqual([])
})

it('H13 is no page: there is no CORS (F31)', async () => {
  const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
  const preflight = await house.send('/introspect', { method: 'OPTIONS', headers })
  expect(preflight.status).toBe(405)
  const answer = await asking({ origin: 'https://evil.example' })
  for (const { headers: sent } of [preflight, answer]) {
    expect([...sent.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
  }
})

it('H17 writes down its use at most once a minute', async () => {
  const key = await makeKey(owner.server_id, owner.management_token)
  const lastUse = async () =>
    (await sql('select last_used_at, xmin::text from mcp_data.server_keys where key_id = $1', [key.key_id]))[0]
  await introspect({ ...owner, ...key }, tokens.access_token)
  const first = await lastUse()
  for (let call = 0; call < 10; call++) await introspect({ ...owner, ...key }, tokens.access_token)
  expect(first?.last_used_at).not.toBeNull()
  expect(await lastUse()).toEqual(first)
})

it('H16 is 503 with Retry-After, never an answer about the token', async () => {
  const broken = openHouse({ dependencies: { store: brokenStore } })
  const answer = await introspect(owner, tokens.access_token, broken)
  expect(refusal(answer)).toEqual([503, 'temporarily_unavailable'])
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(answer.text).not.toContain('active')
})

it('H1 limits bad keys per address, not good ones (SECURITY, Limits)', async () => {
  let used = 0
  const RATE_KEY_FAILURES = { limit: () => Promise.resolve({ success: ++used <= 2 }) }
  const limited = openHouse({
    bindings: { RATE_KEY_FAILURES },
    variables: { ISSUER: 'https://as.example.com', CLIENT_ADDRESS_HEADER: 'X-Real-IP' },
  })
  const ask = (key_secret: string) =>
    limited.send(
      '/introspect',
      form({ token: 'x' }, { authorization: basic(owner.server_id, key_secret), 'x-real-ip': '203.0.113.9' }),
    )
  expect((await ask(invented)).status).toBe(401)
  expect((await ask(invented)).status).toBe(401)
  const third = await ask(invented)
  expect([third.status, third.headers.get('retry-after')]).toEqual([429, '60'])
  expect((await ask(owner.key_secret)).status).toBe(200)
})
