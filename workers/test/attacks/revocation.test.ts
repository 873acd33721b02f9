import { beforeAll, expect, it } from 'vitest'
import { forgetClients } from '../../src/clients/find-client.ts'
import {
  basic,
  connect,
  form,
  house,
  isActive,
  type Owner,
  openServer,
  refresh,
  registerClient,
  revoke,
} from '../support/worker/flow.ts'
import { meetVisitor } from '../worker/visitor.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

it('I1 touches no token of another client, and does not tell (RFC 7009 §2.1)', async () => {
  const tokens = await connect(owner)
  for (const token of [tokens.refresh_token, tokens.access_token]) {
    const answer = await revoke(token, { client_id: await registerClient() })
    expect([answer.status, answer.text]).toEqual([200, ''])
  }
  expect(await isActive(owner, tokens.access_token)).toBe(true)
})

it('I2 takes a token for a value, never for a filter', async () => {
  const tokens = await connect(owner)
  for (const token of ['x,revoked.is.false', "' or true --", '%', 'mrt_*', `${tokens.refresh_token}' or ''='`]) {
    expect((await revoke(token)).status).toBe(200)
  }
  expect(await isActive(owner, tokens.access_token)).toBe(true)
})

it.each(['access_token', 'refresh_token'] as const)('I3 of the %s ends the whole connection at once', async (kind) => {
  const tokens = await connect(owner)
  expect((await revoke(tokens[kind])).status).toBe(200)
  expect(await isActive(owner, tokens.access_token)).toBe(false)
  expect((await refresh(tokens.refresh_token)).json?.error).toBe('invalid_grant')
})

it('I4 answers 200 and nothing for unknown, dead and mislabelled tokens, byte for byte (RFC 7009 §2.2)', async () => {
  const tokens = await connect(owner)
  const answers = [
    await revoke(tokens.refresh_token, { token_type_hint: 'access_token' }),
    await revoke(tokens.refresh_token),
    await revoke('unknown'),
    await revoke(`mrt_${'A'.repeat(22)}.1.${'A'.repeat(43)}`, { token_type_hint: 'no-such-type' }),
  ]
  const seen = answers.map(({ status, text, headers }) => JSON.stringify([status, text, [...headers.keys()]]))
  expect(new Set(seen).size).toBe(1)
  expect(await isActive(owner, tokens.access_token)).toBe(false)
})

it('I5 needs the registered method of the client', async () => {
  const client_id = await registerClient('client_secret_basic')
  const answer = await revoke('unknown', { client_id })
  expect([answer.status, answer.json?.error]).toEqual([401, 'invalid_client'])
})

it('I6 takes no API key of a server for a client', async () => {
  const tokens = await connect(owner)
  const headers = { authorization: basic(owner.server_id, owner.key_secret) }
  const answer = await house.send('/revoke', form({ token: tokens.access_token }, headers))
  expect([answer.status, answer.json?.error]).toEqual([401, 'invalid_client'])
  expect(await isActive(owner, tokens.access_token)).toBe(true)
})

it('I7 is POST only: nothing can be revoked by a link or a script tag', async () => {
  for (const method of ['GET', 'HEAD', 'PUT']) {
    const answer = await house.send('/revoke?token=x&callback=f', { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  }
})

it('costs one database call with a client that is known (ARCHITECTURE decision 1)', async () => {
  forgetClients()
  const tokens = await connect(owner)
  house.calls.length = 0
  await revoke(tokens.refresh_token)
  expect(house.calls).toEqual(['revoke_token'])
})

it('I1 ends one install only', async () => {
  const person = meetVisitor()
  const [one, two] = [await connect(owner, {}, person), await connect(owner, {}, person)]
  await revoke(one.refresh_token)
  expect([await isActive(owner, one.access_token), await isActive(owner, two.access_token)]).toEqual([false, true])
})
