import { expect, it } from 'vitest'
import { house, openServer } from '../support/worker/flow.ts'
import { sql } from '../support/worker/sql.ts'

const { issuer } = house

it('serves RFC 8414 metadata with the flags that MCP clients look for (MCP 2026-07-28, Discovery)', async () => {
  const { status, json, headers } = await house.send('/.well-known/oauth-authorization-server')
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
  expect(json).toMatchObject({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    authorization_response_iss_parameter_supported: true,
  })
})

it('serves the same facts as OpenID Connect Discovery, in one spelling', async () => {
  const oauth = (await house.send('/.well-known/oauth-authorization-server')).json ?? {}
  const openid = (await house.send('/.well-known/openid-configuration')).json ?? {}
  for (const [name, value] of Object.entries(oauth)) expect(openid[name], name).toEqual(value)
  expect(openid).toMatchObject({ subject_types_supported: ['public'], userinfo_endpoint: `${issuer}/userinfo` })
})

it('answers HEAD as GET, without a body', async () => {
  const head = await house.send('/.well-known/jwks.json', { method: 'HEAD' })
  expect([head.status, head.text, head.headers.get('cache-control')]).toEqual([200, '', 'public, max-age=300'])
})

it('answers the preflight of a browser client, with the headers it will send (INTEROP 4.7)', async () => {
  for (const path of ['/.well-known/oauth-authorization-server', '/token', '/revoke', '/userinfo']) {
    const preflight = await house.send(path, {
      method: 'OPTIONS',
      headers: { origin: 'https://inspector.example', 'access-control-request-headers': 'mcp-protocol-version' },
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
    const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase().split(', ')
    for (const name of ['authorization', 'content-type', 'dpop', 'mcp-protocol-version', 'mcp-method', 'mcp-name']) {
      expect(allowed).toContain(name)
    }
    const answer = await house.send(path)
    expect(answer.headers.get('access-control-expose-headers')).toBe('WWW-Authenticate, Retry-After, DPoP-Nonce')
  }
})

it('serves the document of its own API at the root and at the path form (RFC 9728 §3.1)', async () => {
  const root = await house.send('/.well-known/oauth-protected-resource')
  expect(root.json).toMatchObject({ resource: `${issuer}/api`, authorization_servers: [issuer] })
  expect((await house.send('/.well-known/oauth-protected-resource/api')).text).toBe(root.text)
})

it('serves a copy of what a server says of itself, with the proof of who registered it (RFC 9728 §2)', async () => {
  const { server_id, server_url } = await openServer()
  const path = `/.well-known/oauth-protected-resource/${server_id}`
  const { json, headers } = await house.send(path)
  expect(json).toMatchObject({
    resource: server_url,
    authorization_servers: [issuer],
    scopes_supported: ['files:read', 'files:write'],
    bearer_methods_supported: ['header'],
    auth_agent_server_id: server_id,
  })
  expect(headers.get('cache-control')).toBe('public, max-age=300')
})

it('J8 serves no copy for a server that is pending, suspended or deleted', async () => {
  for (const status of ['pending', 'suspended']) {
    const { server_id } = await openServer()
    await sql('update mcp_data.servers set status = $2 where server_id = $1', [server_id, status])
    expect((await house.send(`/.well-known/oauth-protected-resource/${server_id}`)).status).toBe(404)
  }
})
