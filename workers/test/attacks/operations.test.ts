import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { toBase64Url } from '../../src/crypto/encoding.ts'
import worker from '../../src/index.ts'
import {
  connect,
  form,
  house,
  introspect,
  isActive,
  openServer,
  refresh,
  revoke,
  tokensOf,
} from '../support/worker/flow.ts'
import { openHouse, silentStore } from '../support/worker/house.ts'
import { changeConnection, sql } from '../support/worker/sql.ts'

const context = { waitUntil: () => undefined, passThroughOnException: () => undefined } as unknown as ExecutionContext
const variables = env as unknown as Readonly<Record<string, string>>

/** TOKEN_PEPPERS as a rotation leaves it: a new pepper, and then the ones given. */
function rotated(...older: string[]): string {
  const key = toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
  return [`new-${crypto.randomUUID().slice(0, 4)}:${key}`, ...older].join(',')
}

it('M2 logs no code, token, key, cookie, e-mail or query, whatever happens (SECURITY §29)', async () => {
  const owner = await openServer()
  const tokens = await connect(owner, { scope: 'openid email files:read' })
  const next = tokensOf(await refresh(tokens.refresh_token))
  await introspect(owner, tokens.access_token)
  await house.send(`/token?code=${tokens.code}`, form({ code: tokens.code }))
  await house.send('/userinfo', { headers: { authorization: `Bearer ${next.access_token}` } })
  await revoke(next.refresh_token)
  const log = JSON.stringify(house.lines)
  const secrets = [
    tokens.code,
    tokens.verifier,
    tokens.access_token,
    tokens.refresh_token,
    next.refresh_token,
    next.access_token,
  ]
  for (const secret of [
    ...secrets,
    owner.key_secret,
    owner.management_token,
    tokens.visitor.email,
    ...tokens.visitor.cookies.values(),
  ]) {
    expect(log).not.toContain(secret)
    expect(log).not.toContain(secret.slice(-20))
  }
  expect(log).not.toContain('?')
})

it('M2 cuts secrets out of the cause of an unexpected error', async () => {
  const secrets = [
    `mrt_${'A'.repeat(22)}.1.${'B'.repeat(43)}`,
    `dcs_${'A'.repeat(43)}`,
    `whsec_${'Ab+/'.repeat(10)}Abc=`,
    'person@example.com',
  ]
  const call = () => Promise.reject(new Error(`duplicate ${secrets.join(' of ')}`))
  const broken = openHouse({ dependencies: { store: { call } } })
  await broken.send('/ready')
  expect(broken.lines.at(-1)).toMatchObject({
    level: 'error',
    cause: 'Error: duplicate [cut] of [cut] of [cut] of [cut]',
  })
})

it('M3 a row with the plain hash of a chosen token gives nothing: digests are keyed', async () => {
  const owner = await openServer()
  const tokens = await connect(owner)
  const chosen = `${tokens.refresh_token.slice(0, -43)}${'C'.repeat(43)}`
  await changeConnection(tokens.code, `refresh_digest = sha256('${chosen}'::bytea)`)
  expect((await refresh(chosen)).json?.error).toBe('invalid_grant')
})

it('M4 the pepper changes without signing anybody out, and the old one stops once it is dropped', async () => {
  const owner = await openServer()
  const tokens = await connect(owner)
  const [old = ''] = (variables.TOKEN_PEPPERS ?? '').split(',')
  const both = rotated(old)
  const during = openHouse({ variables: { TOKEN_PEPPERS: both } })
  expect(await isActive(owner, tokens.access_token, during)).toBe(true)
  const next = tokensOf(await refresh(tokens.refresh_token, {}, during))
  const [row] = await sql('select refresh_kid from mcp_data.connections where connection_id = $1', [
    tokens.code.slice(4, 26),
  ])
  expect(row?.refresh_kid).toBe(both.split(':')[0])
  const after = openHouse({ variables: { TOKEN_PEPPERS: both.split(',')[0] ?? '' } })
  expect((await introspect(owner, tokens.access_token, after)).status).toBe(401)
  expect((await refresh(next.refresh_token, {}, after)).status).toBe(200)
})

it('M4 a new signing key is published before it is used, and old tokens stay good after (SECURITY §6)', async () => {
  const owner = await openServer()
  const tokens = await connect(owner)
  const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
  ])) as CryptoKeyPair
  const { kty, crv, x, y, d } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey
  const fresh = { kty, crv, x, y, d, kid: 'fresh', alg: 'ES256' }
  const olds = JSON.parse(variables.SIGNING_KEYS ?? '[]') as { kid: string }[]
  const before = openHouse({ variables: { SIGNING_KEYS: JSON.stringify([{ ...fresh, status: 'next' }, ...olds]) } })
  const published = (await before.send('/.well-known/jwks.json')).json?.keys as { kid: string }[]
  expect(published.map(({ kid }) => kid)).toEqual([olds[0]?.kid, 'fresh'])
  const after = openHouse({ variables: { SIGNING_KEYS: JSON.stringify([fresh, ...olds]) } })
  expect(await isActive(owner, tokens.access_token, after)).toBe(true)
  const signed = tokensOf(await refresh(tokens.refresh_token, {}, after)).access_token
  expect(atob(signed.split('.')[0] ?? '')).toContain('"kid":"fresh"')
})

it.each([
  ['an http issuer off loopback', { ISSUER: 'http://mcp.example.com' }],
  ['a missing pepper', { TOKEN_PEPPERS: '' }],
  ['a short pepper', { TOKEN_PEPPERS: 'k1:c2hvcnQ' }],
  ['one key for two purposes', { COOKIE_KEYS: variables.TOKEN_PEPPERS ?? '' }],
  ['an unknown sender of mail', { EMAIL_SENDER: 'console' }],
  ['no signing key', { SIGNING_KEYS: '[]' }],
])('M6 with %s every route is 500, and names the variable in the log alone', async (_name, wrong) => {
  const written: string[] = []
  const { error } = console
  console.error = (line: string) => void written.push(line)
  const request = new Request<unknown, IncomingRequestCfProperties>('http://localhost:9400/health')
  const response = await worker.fetch(request, { ...variables, ...wrong }, context)
  console.error = error
  const text = await response.text()
  const [name = '', value = ''] = Object.entries(wrong)[0] ?? []
  expect([response.status, text.includes(name)]).toEqual([500, false])
  expect(written.join()).toContain(name)
  if (value.length > 8) expect(written.join()).not.toContain(value)
})

it('M7 the count that matters is in the database: two isolates share it', async () => {
  const owner = await openServer()
  const tokens = await connect(owner)
  const isolates = [openHouse(), openHouse()]
  let token = tokens.refresh_token
  for (let call = 0; call < 10; call++) token = tokensOf(await refresh(token, {}, isolates[call % 2])).refresh_token
  for (const isolate of isolates) expect((await refresh(token, {}, isolate)).status).toBe(429)
})

it('M8 what is refused by its shape asks the database nothing', async () => {
  const quiet = openHouse({ dependencies: { store: silentStore } })
  const asked = [
    quiet.send('/token', form({})),
    quiet.send(
      '/token',
      form({
        grant_type: 'authorization_code',
        code: 'x',
        code_verifier: 'v'.repeat(43),
        client_id: 'client_claude_code',
      }),
    ),
    quiet.send('/token', form({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'client_claude_code' })),
    quiet.send('/introspect', form({ token: 'x' })),
    quiet.send('/revoke', form({})),
    quiet.send('/userinfo', { headers: { authorization: 'Bearer x' } }),
    quiet.send('/.well-known/oauth-protected-resource/srv_x'),
    quiet.send('/api/servers/srv_x'),
    quiet.send('/nothing'),
    quiet.send('/account'),
    quiet.send('/account/activity'),
    quiet.send('/account/data/download'),
  ]
  for (const { status } of await Promise.all(asked)) expect(status).toBeLessThan(500)
  expect(quiet.calls).toEqual([])
})

it('M9 requests of one isolate share nothing: each answer and log line has its own id and count', async () => {
  const own = openHouse()
  const owner = await openServer()
  const { access_token } = await connect(owner)
  await Promise.all([
    introspect(owner, access_token, own),
    own.send('/health'),
    introspect(owner, 'x', own),
    own.send('/ready'),
  ])
  const seen = own.lines.map((line) => ('route' in line ? [line.route, line.database_calls] : []))
  expect(seen.sort()).toEqual([
    ['/health', 0],
    ['/introspect', 0],
    ['/introspect', 1],
    ['/ready', 1],
  ])
  expect(new Set(own.lines.map((line) => ('request_id' in line ? line.request_id : ''))).size).toBe(4)
})

it('M10 a defect gives one body with the request id, on every route, and its text stays in the log', async () => {
  const call = () => Promise.reject(new TypeError('undefined is not a function'))
  const broken = openHouse({ dependencies: { store: { call } } })
  const owner = await openServer()
  const { access_token } = await connect(owner, { scope: 'openid files:read' })
  const answers = [
    await broken.send('/ready'),
    await introspect(owner, access_token, broken),
    await broken.send('/userinfo', { headers: { authorization: `Bearer ${access_token}` } }),
    await broken.send(`/api/servers/${owner.server_id}`),
  ]
  for (const answer of answers) {
    const id = answer.headers.get('x-request-id') ?? '-'
    expect([answer.status, answer.json?.error]).toEqual([500, 'server_error'])
    expect(answer.json?.error_description).toContain(id)
    expect(answer.text).not.toContain('function')
  }
  expect(new Set(answers.map(({ text }) => text.replace(/req_\w+/, ''))).size).toBe(1)
})

it('M12 M5 each switch works at the next request: issuer epoch and key', async () => {
  const owner = await openServer()
  const { access_token, refresh_token, code } = await connect(owner)
  // As after raising the epoch in mcp_data.settings, which would end every other test's connections too.
  await changeConnection(code, 'issuer_epoch = issuer_epoch - 1')
  expect(await isActive(owner, access_token)).toBe(false)
  expect((await refresh(refresh_token)).json?.error).toBe('invalid_grant')
  await sql('update mcp_data.server_keys set revoked_at = now() where key_id = $1', [owner.key_id])
  expect((await introspect(owner, access_token)).status).toBe(401)
})

it('M14 what a caller writes into headers stays one escaped line', async () => {
  const owner = await openServer()
  const tokens = await connect(owner)
  const headers = { 'user-agent': `agent \u001b[31m${'x'.repeat(400)}` }
  await house.send(
    '/token',
    form(
      { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: 'client_install_mcp' },
      headers,
    ),
  )
  const [event] = await sql('select user_agent from mcp_data.audit_events where connection_id = $1 and event = $2', [
    tokens.code.slice(4, 26),
    'refresh.reused',
  ])
  expect(String(event?.user_agent)).toMatch(/^agent \[31mx{200,}$/)
  expect(String(event?.user_agent).length).toBeLessThanOrEqual(256)
})
