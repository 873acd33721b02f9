import { describe, expect, it } from 'vitest'
import { authorizeUrl, type Fields, type Registered, redirectUri, registerServer } from './requests.ts'
import { type Answer, issuer, meetVisitor, send, type Visitor } from './visitor.ts'

const scopes = [
  { name: 'files:read', description: 'List and read the files.', required: true },
  { name: 'files:write', description: 'Create and change files.' },
  { name: 'files:purge' },
]

async function consentPage(visitor: Visitor, server: Registered, fields: Fields = {}): Promise<Answer> {
  const page = await visitor.open(authorizeUrl({ resource: server.server_url, ...fields }))
  return page.text.includes('name="decision"') ? page : visitor.signIn(page)
}

/** What a token exchange says was granted. */
async function grantedScope(code: string | null | undefined): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: code ?? '',
    redirect_uri: redirectUri,
    client_id: 'client_claude_code',
    code_verifier: verifier,
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const { text } = await send('/token', { method: 'POST', body: body.toString(), headers })
  return (JSON.parse(text) as { scope: string }).scope
}

const verifier = 'test-verifier-that-is-long-enough-for-rfc-7636'

async function s256(value: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(value)))
  return btoa(String.fromCharCode(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

describe('the consent page', () => {
  it('shows account, program, redirect host, server, scopes with their texts, identity and how long (HTTP-API)', async () => {
    const visitor = meetVisitor()
    const { text } = await consentPage(visitor, await registerServer(scopes, { description: 'Files of the team.' }))
    for (const shown of [
      visitor.email,
      'Claude Code',
      'registered with',
      'localhost:51004',
      'A program on this computer',
      'Team files',
      'localhost:9401',
      'Files of the team.',
      'files:read',
      'List and read the files.',
      'is given to',
      'At most 90 days',
    ])
      expect(text).toContain(shown)
  })

  it('locks required scopes, and ticks the others so that they can be unticked', async () => {
    const { text } = await consentPage(meetVisitor(), await registerServer(scopes))
    const box = (name: string) => text.match(new RegExp(`<input[^>]*value="${name}"[^>]*>`))?.[0] ?? ''
    expect(box('files:read')).toContain('disabled')
    expect(box('files:write')).toContain('checked')
    expect(box('files:write')).not.toContain('disabled')
  })

  it('says so when the server does not get the e-mail address', async () => {
    const { text } = await consentPage(meetVisitor(), await registerServer(scopes, { share_email: false }))
    expect(text).toContain('Not your e-mail address')
  })

  it('says so when the program gets it too', async () => {
    const page = await consentPage(meetVisitor(), await registerServer(scopes), { scope: 'openid email files:write' })
    expect(page.text).toContain('and to the program')
  })

  it('shows what is new when a program asks for more, and that it may keep asking (HTTP-API)', async () => {
    const visitor = meetVisitor()
    const server = await registerServer(scopes)
    const code_challenge = await s256(verifier)
    const first = await consentPage(visitor, server, { scope: 'files:read', code_challenge })
    expect(first.text).not.toContain('It asks for more')
    const approved = await visitor.submit(first, '/consent', { decision: 'approve' })
    await grantedScope(approved.location?.searchParams.get('code'))
    const second = await consentPage(visitor, server, { scope: 'files:read files:write' })
    expect(second.text).toContain('it may keep asking')
    expect(second.text.match(/<span class="tag fresh">/g)).toHaveLength(1)
  })
})

describe('POST /consent', () => {
  it('approves with code, byte-exact state and iss, by 303 (RFC 6749 §4.1.2, RFC 9207)', async () => {
    const visitor = meetVisitor()
    const state = 'a b+c%20"é~'.replace('é', '&')
    const page = await consentPage(visitor, await registerServer(), { state })
    const { status, location } = await visitor.submit(page, '/consent', { decision: 'approve', scope: 'files:read' })
    expect(status).toBe(303)
    expect(`${location?.origin}${location?.pathname}`).toBe(redirectUri)
    expect(location?.searchParams.get('state')).toBe(state)
    expect(location?.searchParams.get('iss')).toBe(issuer)
    expect(location?.searchParams.get('code')).toMatch(/^mac_[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$/)
  })

  it('grants what was ticked and what is required, nothing else', async () => {
    const visitor = meetVisitor()
    const page = await consentPage(visitor, await registerServer(scopes), { code_challenge: await s256(verifier) })
    const { location } = await visitor.submit(page, '/consent', { decision: 'approve', scope: 'files:purge' })
    expect(await grantedScope(location?.searchParams.get('code'))).toBe('files:read files:purge')
  })

  it('takes every scope unticked as Deny (HTTP-API "Authorization")', async () => {
    const visitor = meetVisitor()
    const page = await consentPage(visitor, await registerServer())
    const { location } = await visitor.submit(page, '/consent', { decision: 'approve' })
    expect(location?.searchParams.get('error')).toBe('access_denied')
  })

  it('tells the program of a Deny, with state and iss (RFC 6749 §4.1.2.1)', async () => {
    const visitor = meetVisitor()
    const page = await consentPage(visitor, await registerServer())
    const { status, location } = await visitor.submit(page, '/consent', { decision: 'deny' })
    expect(status).toBe(303)
    expect(location?.searchParams.get('error')).toBe('access_denied')
    expect(location?.searchParams.get('state')).toBe('a-state')
    expect(location?.searchParams.get('iss')).toBe(issuer)
  })

  it('decides nothing when none of the two buttons was pressed, as by Enter in a tick box', async () => {
    const visitor = meetVisitor()
    const page = await consentPage(visitor, await registerServer())
    const again = await visitor.submit(page, '/consent', { decision: 'none', scope: 'files:read' })
    expect([again.status, again.location?.pathname]).toEqual([303, '/consent'])
    const answer = await visitor.submit(await visitor.follow(again), '/consent', {
      decision: 'approve',
      scope: 'files:read',
    })
    expect(answer.location?.searchParams.has('code')).toBe(true)
  })

  it('needs a decision', async () => {
    const visitor = meetVisitor()
    const page = await consentPage(visitor, await registerServer())
    const answer = await visitor.submit(page, '/consent', { scope: 'files:read' })
    expect([answer.status, answer.text.includes('form_malformed')]).toEqual([400, true])
  })

  it('goes back to the sign-in page when the session has ended meanwhile', async () => {
    const visitor = meetVisitor()
    const page = await consentPage(visitor, await registerServer())
    const session = visitor.cookies.get('session') ?? ''
    await visitor.submit(await visitor.open('/sign-out'), '/sign-out')
    visitor.cookies.set('session', session)
    const answer = await visitor.submit(page, '/consent', { decision: 'approve', scope: 'files:read' })
    expect([answer.status, answer.location?.pathname]).toEqual([303, '/sign-in'])
  })
})
