import { describe, expect, it } from 'vitest'
import { answerOf, clientId, connect, introspect, otherClientId, post, refresh } from './program.ts'

const revoke = (token: string | undefined, fields: Record<string, string | undefined> = {}) =>
  post('/revoke', { token, client_id: clientId, ...fields })

describe('revocation', () => {
  it('of a refresh token ends the access tokens too [rfc7009-2.1-refresh] [rfc7009-2.1-both]', async () => {
    const { server, access_token, refresh_token } = await connect()
    expect((await revoke(refresh_token)).status).toBe(200)
    expect((await refresh(refresh_token)).body.error).toBe('invalid_grant')
    expect((await introspect(server, access_token)).body).toEqual({ active: false })
  })

  it('takes access tokens [rfc7009-2.1-access]', async () => {
    const { server, access_token, refresh_token } = await connect()
    expect((await revoke(access_token)).status).toBe(200)
    expect((await introspect(server, access_token)).body).toEqual({ active: false })
    expect((await refresh(refresh_token)).body.error).toBe('invalid_grant')
  })

  it('is only for the client’s own tokens [rfc7009-2.1-client]', async () => {
    const { server, access_token, refresh_token } = await connect()
    await revoke(refresh_token, { client_id: otherClientId })
    await revoke(access_token, { client_id: otherClientId })
    expect((await introspect(server, access_token)).body.active).toBe(true)
  })

  it('of an unknown token, or again, is no error [rfc7009-2.2-unknown]', async () => {
    const { refresh_token } = await connect()
    for (const token of ['nonsense', 'mrt_nonsense', refresh_token, refresh_token]) {
      expect((await revoke(token)).status).toBe(200)
    }
  })

  it('without a token is an error [rfc7009-2.1-missing]', async () => {
    const { status, body } = await answerOf(await revoke(undefined))
    expect([status, body.error]).toEqual([400, 'invalid_request'])
  })

  it('does not trust the hint [rfc7009-2.1-hint]', async () => {
    const { server, access_token, refresh_token } = await connect()
    await revoke(refresh_token, { token_type_hint: 'access_token' })
    expect((await introspect(server, access_token)).body).toEqual({ active: false })
    const another = await connect()
    await revoke(another.access_token, { token_type_hint: 'unheard_of' })
    expect((await introspect(another.server, another.access_token)).body).toEqual({ active: false })
  })
})
