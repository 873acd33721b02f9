import { describe, expect, it } from 'vitest'
import { registerServer } from './owner.ts'
import { connect, introspect, otherClientId, refresh } from './program.ts'

const refusal = ({ status, body }: { status: number; body: Record<string, unknown> }) => [status, body.error]

describe('refreshing', () => {
  it('gives a new pair of tokens [mcp-2026-07-rotation] [oauth21-4.3.1-rotation]', async () => {
    const { refresh_token, access_token } = await connect()
    const { status, body } = await refresh(refresh_token)
    expect(status).toBe(200)
    expect(body.refresh_token).not.toBe(refresh_token)
    expect(body.access_token).not.toBe(access_token)
    expect(body.scope).toBe('files:read files:write')
  })

  it('notices a token used again after its successor, and ends the grant [rfc9700-4.14-refresh-replay] [rfc9700-4.14-family]', async () => {
    const { server, refresh_token } = await connect()
    const second = await refresh(refresh_token)
    const third = await refresh(second.body.refresh_token)
    expect(refusal(await refresh(refresh_token))).toEqual([400, 'invalid_grant'])
    expect(refusal(await refresh(third.body.refresh_token))).toEqual([400, 'invalid_grant'])
    expect((await introspect(server, third.body.access_token)).body).toEqual({ active: false })
  })

  it('works only for the client it was issued to [rfc6749-6-client]', async () => {
    const { refresh_token } = await connect()
    expect(refusal(await refresh(refresh_token, { client_id: otherClientId }))).toEqual([400, 'invalid_grant'])
    expect((await refresh(refresh_token)).status).toBe(200)
  })

  it('never widens the scope [rfc6749-6-scope]', async () => {
    const { refresh_token } = await connect({ scope: 'files:read' })
    const { body } = await refresh(refresh_token, { scope: 'files:read files:write' })
    expect(body.scope).toBe('files:read')
  })

  it('may narrow the access token, and the grant stays [rfc6749-6-narrower]', async () => {
    const { refresh_token } = await connect()
    const narrower = await refresh(refresh_token, { scope: 'files:read' })
    expect(narrower.body.scope).toBe('files:read')
    expect((await refresh(narrower.body.refresh_token)).body.scope).toBe('files:read files:write')
  })

  it('refuses a token it never issued [rfc6749-5.2-invalid-grant]', async () => {
    expect(refusal(await refresh('mrt_nonsense'))).toEqual([400, 'invalid_grant'])
  })

  it('refuses another resource [rfc8707-2.2-token-resource]', async () => {
    const { refresh_token, server } = await connect()
    const other = await registerServer()
    expect(refusal(await refresh(refresh_token, { resource: other.server_url }))).toEqual([400, 'invalid_grant'])
    expect((await refresh(refresh_token, { resource: server.server_url })).status).toBe(200)
  })
})
