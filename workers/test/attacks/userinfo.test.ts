import { beforeAll, expect, it } from 'vitest'
import { connect, form, house, type Owner, openServer, revoke, userinfo } from '../support/worker/flow.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

it('I8 answers any live access token with scope openid, with nothing its server would not be told', async () => {
  const { access_token, visitor } = await connect(owner, { scope: 'openid email files:read' })
  const answer = await userinfo(access_token)
  expect(answer.status).toBe(200)
  expect(answer.json).toEqual({
    sub: expect.stringMatching(/^[0-9a-f-]{36}$/),
    email: visitor.email,
    email_verified: true,
  })
  expect(answer.headers.get('cache-control')).toBe('no-store')
})

it('I9 gives claims by scope: openid alone is the subject alone (OpenID Connect Core §5.4)', async () => {
  const { access_token } = await connect(owner, { scope: 'openid files:read' })
  expect(Object.keys((await userinfo(access_token)).json ?? {})).toEqual(['sub'])
})

it('I9 needs scope openid: 403 insufficient_scope names it (RFC 6750 §3.1)', async () => {
  const { access_token } = await connect(owner)
  const answer = await userinfo(access_token)
  expect([answer.status, answer.json?.error]).toEqual([403, 'insufficient_scope'])
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer error="insufficient_scope", .*scope="openid"/)
})

it('I10 takes a token from the header only (OAuth 2.1 §5.1)', async () => {
  const { access_token } = await connect(owner, { scope: 'openid files:read' })
  const inQuery = await house.send(`/userinfo?access_token=${access_token}`)
  const inBody = await house.send('/userinfo', form({ access_token }))
  for (const answer of [inQuery, inBody]) {
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer scope="openid"'])
  }
})

it('I11 refuses revoked and expired tokens, refresh tokens, ID tokens and API keys: 401 invalid_token', async () => {
  const tokens = await connect(owner, { scope: 'openid files:read' })
  const { keys, config } = house.dependencies
  const claims = JSON.parse(
    atob((tokens.access_token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')),
  ) as object
  const expired = await keys.sign('at+jwt', { ...claims, iss: config.issuer, exp: Math.floor(Date.now() / 1000) })
  await revoke(tokens.refresh_token)
  for (const token of [tokens.access_token, expired, tokens.refresh_token, tokens.id_token ?? '', owner.key_secret]) {
    const answer = await userinfo(token)
    expect([answer.status, answer.json?.error]).toEqual([401, 'invalid_token'])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/)
  }
})

it('answers POST as GET, and costs one database call', async () => {
  const { access_token } = await connect(owner, { scope: 'openid files:read' })
  house.calls.length = 0
  const answer = await house.send('/userinfo', {
    method: 'POST',
    headers: { authorization: `Bearer ${access_token}` },
  })
  expect([answer.status, house.calls]).toEqual([200, ['read_userinfo']])
})
