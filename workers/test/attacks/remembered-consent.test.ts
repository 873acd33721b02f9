import { beforeAll, describe, expect, it } from 'vitest'
import { s256 } from '../../src/crypto/pkce.ts'
import { sql } from '../support/worker/sql.ts'
import { authorizeUrl, type Fields, type Registered, registerServer } from '../worker/requests.ts'
import { type Answer, meetVisitor, send, type Visitor } from '../worker/visitor.ts'

const verifier = 'a-verifier-that-is-long-enough-for-rfc-7636-4-1'
const redirect_uri = 'https://app.example.net/cb'
const otherRedirect = 'https://app.example.net/other'

let server: Registered
let client_id: string
beforeAll(async () => {
  server = await registerServer()
  client_id = `client_${crypto.randomUUID().slice(0, 8)}`
  await sql('insert into mcp_data.clients (client_id, client_name, redirect_uris) values ($1, $2, $3)', [
    client_id,
    'Proven app',
    [redirect_uri, otherRedirect, 'http://localhost/callback'],
  ])
})

const form = { 'content-type': 'application/x-www-form-urlencoded' }

async function open(visitor: Visitor, fields: Fields = {}): Promise<Answer> {
  const code_challenge = await s256(verifier)
  const right = {
    client_id,
    redirect_uri,
    resource: server.server_url,
    code_challenge,
    scope: 'files:read files:write',
  }
  return visitor.open(authorizeUrl({ ...right, ...fields }))
}

async function exchange(answer: Answer, fields: Record<string, string> = {}): Promise<Answer> {
  const code = answer.location?.searchParams.get('code') ?? ''
  const right = { grant_type: 'authorization_code', code, code_verifier: verifier, client_id, redirect_uri }
  return send('/token', {
    method: 'POST',
    body: new URLSearchParams({ ...right, ...fields }).toString(),
    headers: form,
  })
}

/** Somebody who has approved this client, scopes included, and whose client took its code. */
async function meetConnected(fields: Fields = {}): Promise<Visitor> {
  const visitor = meetVisitor()
  const consent = await visitor.signIn(await open(visitor, fields))
  const approve = { decision: 'approve', scope: ['files:read', 'files:write'] }
  const approved = await visitor.submit(consent, '/consent', approve)
  const taken = await exchange(approved, fields.redirect_uri === undefined ? {} : { redirect_uri: fields.redirect_uri })
  if (taken.status !== 200) throw new Error(taken.text)
  return visitor
}

const asks = (answer: Answer) => answer.status === 200 && answer.text.includes('name="decision"')

describe('remembered consent', () => {
  it('answers a proven client on https with a working code, and asks nobody again (SECURITY §11)', async () => {
    const visitor = await meetConnected()
    const again = await open(visitor)
    expect([again.status, again.location?.searchParams.get('state')]).toEqual([303, 'a-state'])
    expect(again.location?.href.startsWith(`${redirect_uri}?code=mac_`)).toBe(true)
    expect((await exchange(again)).status).toBe(200)
    expect(asks(await open(visitor, { scope: 'files:read' }))).toBe(false)
  })

  it('B13 never answers a loopback redirect by itself, not even of a proven client (RFC 8252 §8.6)', async () => {
    const visitor = await meetConnected({ redirect_uri: 'http://localhost:51004/callback' })
    expect(asks(await open(visitor, { redirect_uri: 'http://localhost:51004/callback' }))).toBe(true)
  })

  it('B14 asks again for another redirect, another server, or more than before', async () => {
    const visitor = await meetConnected()
    const { server_url } = await registerServer()
    expect(asks(await open(visitor, { redirect_uri: otherRedirect }))).toBe(true)
    expect(asks(await open(visitor, { resource: server_url }))).toBe(true)
    expect(asks(await open(visitor, { scope: 'openid files:read files:write' }))).toBe(true)
  })

  it('B14 asks another person', async () => {
    await meetConnected()
    const other = meetVisitor()
    expect(asks(await other.signIn(await open(other)))).toBe(true)
  })

  it.each(['consent', 'login', 'select_account'])(
    'asks again for prompt=%s (OpenID Connect Core §3.1.2.1)',
    async (prompt) => {
      const visitor = await meetConnected()
      expect((await open(visitor, { prompt })).location).toBeNull()
    },
  )

  it('B15 lives in the database, in no cookie: without the connection it asks again (MCP, confused deputy)', async () => {
    const visitor = await meetConnected()
    await sql('delete from mcp_data.connections where client_id = $1', [client_id])
    expect(asks(await open(visitor))).toBe(true)
  })
})
