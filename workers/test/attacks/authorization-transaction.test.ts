import { beforeAll, describe, expect, it } from 'vitest'
import { s256 } from '../../src/crypto/pkce.ts'
import { exchange, tokensOf, userinfo } from '../support/worker/flow.ts'
import { sql } from '../support/worker/sql.ts'
import { authorizeUrl, type Fields, type Registered, redirectUri, registerServer } from '../worker/requests.ts'
import { hiddenFields, issuer, meetVisitor, send } from '../worker/visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

const request = (fields: Fields = {}) => authorizeUrl({ resource: server.server_url, ...fields })
const open = (fields: Fields = {}) => meetVisitor().open(request(fields))
const errorOf = (answer: { location: URL | null }) => answer.location?.searchParams.get('error')

describe('who answers', () => {
  it('A22 serves no other host, and repeats nothing of it', async () => {
    const page = await send(new URL('/authorize?client_id=client_claude_code', 'http://evil.example'))
    expect(page.status).toBe(421)
    expect(page.text).not.toContain('evil')
  })

  it('A22 takes nothing from X-Forwarded-Host', async () => {
    const headers = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' }
    const page = await meetVisitor().open(request({ scope: 'nothing:here' }), headers)
    expect(page.location?.searchParams.get('iss')).toBe(issuer)
    expect((await meetVisitor().open(request(), headers)).text).not.toContain('evil.example')
  })
})

describe('the transaction', () => {
  async function consentPage() {
    const visitor = meetVisitor()
    return { visitor, page: await visitor.signIn(await visitor.open(request())) }
  }

  it('A28 C9 takes redirect, client, scope and account from its row, never from the form', async () => {
    const verifier = 'a-verifier-that-is-long-enough-for-rfc-7636-4-1'
    const visitor = meetVisitor()
    const page = await visitor.signIn(
      await visitor.open(request({ scope: 'openid email files:read', code_challenge: await s256(verifier) })),
    )
    const { location } = await visitor.submit(page, '/consent', {
      decision: 'approve',
      scope: 'files:read',
      redirect_uri: 'https://evil.example/cb',
      client_id: 'client_install_mcp',
      user_email: 'victim@example.com',
      state: 'another',
    })
    expect(location?.href.startsWith(`${redirectUri}?code=mac_`)).toBe(true)
    expect(location?.searchParams.get('state')).toBe('a-state')
    const grant = { code: location?.searchParams.get('code') ?? '', verifier }
    expect((await exchange(grant, { client_id: 'client_install_mcp' })).json?.error).toBe('invalid_grant')
    const { access_token, scope } = tokensOf(await exchange(grant))
    expect(scope).toBe('files:read openid email')
    expect((await userinfo(access_token)).json?.email).toBe(visitor.email)
  })

  it('A28 carries nothing in its forms but transaction, token, decision and scopes', async () => {
    const { page } = await consentPage()
    expect([...(hiddenFields(page, '/consent')?.keys() ?? [])].sort()).toEqual(['csrf', 'transaction'])
  })

  it('A29 gives one code to parallel approvals, and 400 to the others', async () => {
    const { visitor, page } = await consentPage()
    const fields = { decision: 'approve', scope: 'files:read' }
    const answers = await Promise.all(Array.from({ length: 8 }, () => visitor.submit(page, '/consent', fields)))
    expect(answers.map(({ status }) => status).sort()).toEqual([303, ...Array<number>(7).fill(400)])
    expect(answers.filter(({ location }) => location?.searchParams.has('code'))).toHaveLength(1)
  })

  it('A30 ends after its time', async () => {
    const visitor = meetVisitor()
    const page = await visitor.open(request())
    const transaction = hiddenFields(page, '/sign-in')?.get('transaction') ?? ''
    const past = "created_at = now() - interval '601 seconds', expires_at = now() - interval '1 second'"
    await sql(`update mcp_data.transactions set ${past} where transaction_id = $1`, [transaction])
    for (const path of ['/sign-in', '/sign-in/code', '/consent'])
      expect((await visitor.open(`${path}?transaction=${transaction}`)).status).toBe(400)
    expect((await visitor.submit(page, '/sign-in', { email: visitor.email })).text).toContain('transaction_expired')
  })

  it('A32 sends no referrer to others and loads nothing from them', async () => {
    const { page } = await consentPage()
    expect(page.headers.get('referrer-policy')).toBe('same-origin')
    expect(page.text).not.toMatch(/<(?:script|img|iframe|object|embed)\b/)
    expect(page.text.match(/<link[^>]*>/g)).toEqual([expect.stringContaining('href="/favicon.svg"')])
    expect(page.text).not.toMatch(/\b(?:src|srcset|url)\s*[=(]/)
  })
})

describe('servers', () => {
  it('A35 gives nothing for a server that has not proven its URL', async () => {
    const ISSUER = 'https://mcp.example.com'
    const pending = await registerPending(ISSUER)
    const url = new URL(authorizeUrl({ resource: pending }).search, `${ISSUER}/authorize`)
    const answer = await meetVisitor({ ISSUER }).open(url)
    expect(errorOf(answer)).toBe('invalid_target')
    expect(answer.location?.searchParams.get('error_uri')).toContain('resource_unverified')
  })

  it('A35 gives nothing for a server that was deleted', async () => {
    const body = JSON.stringify({
      server_url: `http://localhost:9401/${crypto.randomUUID()}`,
      server_name: 'x',
      scopes: ['a'],
    })
    const made = JSON.parse(
      (await send('/api/servers', { method: 'POST', body, headers: { 'content-type': 'application/json' } })).text,
    ) as Record<'server_id' | 'server_url' | 'management_token', string>
    const authorization = `Bearer ${made.management_token}`
    await send(`/api/servers/${made.server_id}`, { method: 'DELETE', headers: { authorization } })
    expect(errorOf(await open({ resource: made.server_url }))).toBe('invalid_target')
  })
})

async function registerPending(ISSUER: string): Promise<string> {
  // A special-use name: its proof is looked for nowhere, and least of all on the real Internet.
  const server_url = `https://${crypto.randomUUID()}.example/mcp`
  const body = JSON.stringify({ server_url, server_name: 'Not proven', scopes: ['a'] })
  const headers = { 'content-type': 'application/json' }
  const answer = await send('/api/servers', { method: 'POST', body, headers }, { ISSUER })
  if (answer.status !== 201) throw new Error(answer.text)
  return server_url
}
