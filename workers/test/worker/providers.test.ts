import { describe, expect, it } from 'vitest'
import { s256 } from '../../src/crypto/pkce.ts'
import { development } from '../support/worker/clients.ts'
import { hostJson, hostUrl, requestsFor } from '../support/worker/document-host.ts'
import { openServer } from '../support/worker/flow.ts'
import { atProvider, comeBackFrom, leaveFor, openProvider } from '../support/worker/provider.ts'
import { sql } from '../support/worker/sql.ts'
import { mailsTo } from './mails.ts'
import { authorizeUrl } from './requests.ts'
import { type Answer, hiddenFields, meetVisitor, type Visitor } from './visitor.ts'

/** The code page after the first time, and the code that was mailed. */
const confirm = async (visitor: Visitor, answer: Answer): Promise<Answer> => {
  const page = await visitor.follow(answer)
  return visitor.submit(page, '/sign-in/code', { code: await visitor.nextCode() })
}

/** Somebody whose account there is linked. */
async function linked(row: Record<string, unknown> = {}) {
  const provider = await openProvider(row)
  const { visitor, asked } = await atProvider(provider)
  await confirm(visitor, await comeBackFrom(provider, visitor, asked))
  return { provider, visitor }
}

/** The same person in another browser. */
async function elsewhere({ provider, visitor }: Awaited<ReturnType<typeof linked>>) {
  const other = { ...meetVisitor(provider.variables), email: visitor.email }
  return { other, asked: await leaveFor(other) }
}

describe('an OpenID Connect provider', () => {
  it('is offered where it is configured, and nowhere else', async () => {
    const { visitor } = await atProvider(await openProvider())
    expect((await visitor.open('/sign-in')).text).toContain('Go on with Acme')
    expect((await meetVisitor().open('/sign-in')).text).not.toContain('/sign-in/provider/')
  })

  it('is asked with PKCE, state and nonce, and a redirect URI of its own (OpenID Connect Core §3.1.2.1, RFC 9700 §2.1.1, §4.4.2.2)', async () => {
    const provider = await openProvider()
    const { asked } = await atProvider(provider)
    expect(`${asked.origin}${asked.pathname}`).toBe(`${provider.issuer}/authorize`)
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'our-client',
      scope: 'openid email',
      code_challenge_method: 'S256',
      redirect_uri: 'http://localhost:9400/sign-in/callback/acme',
    })
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(asked.searchParams.get(name)).toMatch(/^[\w.-]{43,}$/)
  })

  it('signs nobody in by its word alone: the first time a code is mailed, and the page says what for (C20)', async () => {
    const provider = await openProvider()
    const { visitor, asked } = await atProvider(provider)
    const answer = await comeBackFrom(provider, visitor, asked)
    expect([answer.status, answer.location?.pathname, visitor.cookies.has('session')]).toEqual([
      303,
      '/sign-in/code',
      false,
    ])
    const page = await visitor.follow(answer)
    expect(page.text).toContain('Acme says that')
    const signedIn = await confirm(visitor, answer)
    expect(signedIn.location?.pathname).toBe('/consent')
    expect((await visitor.follow(signedIn)).text).toContain(visitor.email)
  })

  it('J22 is told by mail once it is linked, and not before, nor when it signs in', async () => {
    const provider = await openProvider()
    const { visitor, asked } = await atProvider(provider)
    const answer = await comeBackFrom(provider, visitor, asked)
    const told = async () =>
      (await mailsTo(visitor.email)).filter(({ subject }) => subject === 'An account elsewhere was linked to yours')
    expect(await told()).toEqual([])
    await confirm(visitor, answer)
    expect((await told()).map(({ text }) => text.includes('Your account with Acme was linked'))).toEqual([true])
    const { other, asked: again } = await elsewhere({ provider, visitor })
    await comeBackFrom(provider, other, again)
    expect(await told()).toHaveLength(1)
  })

  it('signs in without a code from then on', async () => {
    const known = await linked()
    const { other, asked } = await elsewhere(known)
    const answer = await comeBackFrom(known.provider, other, asked)
    expect([answer.status, answer.location?.pathname]).toEqual([303, '/consent'])
    expect((await other.follow(answer)).text).toContain(known.visitor.email)
    expect((await mailsTo(known.visitor.email)).filter(({ text }) => /\d{8}/.test(text))).toHaveLength(1)
  })

  it('gets our secret in the form it says, and the verifier of the challenge (RFC 6749 §2.3.1, RFC 7636 §4.5)', async () => {
    const known = await linked()
    const [request] = await requestsFor(`${new URL(known.provider.issuer).pathname}/token`)
    expect(request?.headers.authorization).toBe(`Basic ${btoa('our-client:a+secret%2Fwith%3Asigns')}`)
    expect(await s256('x')).toHaveLength(43)
  })

  it('is believed about the address that userinfo tells, where the ID token has none (OpenID Connect Core §5.3.2)', async () => {
    const provider = await openProvider()
    const { visitor, asked } = await atProvider(provider, { userinfo: {} })
    const userinfo = { email: visitor.email, email_verified: true }
    const claims = { email: undefined, email_verified: undefined }
    const answer = await comeBackFrom(provider, visitor, asked, { claims, userinfo })
    expect((await confirm(visitor, answer)).location?.pathname).toBe('/consent')
  })

  it('sends people back who said no there, and the code by e-mail works', async () => {
    const provider = await openProvider()
    const { visitor, asked } = await atProvider(provider)
    const answer = await comeBackFrom(provider, visitor, asked, { answer: { code: undefined, error: 'access_denied' } })
    expect([answer.status, answer.text.includes('Acme did not let you in')]).toEqual([400, true])
    expect((await visitor.signIn(answer)).text).toContain('name="decision"')
  })

  it('that is down does not keep the code by e-mail from working', async () => {
    const rows = [{ id: 'gone', name: 'Gone', issuer: hostUrl(`/${crypto.randomUUID()}`), client_id: 'c' }]
    const visitor = meetVisitor({ ...development, IDENTITY_PROVIDERS: JSON.stringify(rows) })
    const page = await visitor.open(authorizeUrl({ scope: 'openid' }))
    const href = /href="(\/sign-in\/provider\/gone\?[^"]+)"/.exec(page.text)?.[1] ?? ''
    const answer = await visitor.open(href)
    expect([answer.status, answer.text.includes('Gone did not answer')]).toEqual([400, true])
    expect((await visitor.signIn(answer)).text).toContain('name="decision"')
  })

  it('B33 J22 is not offered where a passkey or a fresh sign-in is wanted', async () => {
    const { visitor } = await linked()
    const strict = await openServer(['files:read'], { requires_passkey: true })
    const fresh = await openServer(['files:read'], { sign_in_max_age_seconds: 60 })
    const text = `update mcp_data.sessions set auth_time = auth_time - interval '1 hour'
      where account_id = (select account_id from mcp_data.accounts where email = $1)`
    await sql(text, [visitor.email])
    for (const path of [
      authorizeUrl({ resource: strict.server_url }),
      authorizeUrl({ resource: fresh.server_url }),
      authorizeUrl({ scope: 'openid', prompt: 'login' }),
      '/sign-in?return_to=/account/delete&fresh=yes',
    ]) {
      const page = await visitor.open(path)
      expect(page.text).toContain('data-passkey')
      expect(page.text).not.toContain('/sign-in/provider/')
    }
  })

  it('is listed where a person sees how they sign in, and can be unlinked', async () => {
    const known = await linked()
    const { visitor } = known
    const page = await visitor.open('/account/passkeys')
    expect(page.text).toContain('Unlink Acme')
    const done = await visitor.submit(page, '/account/passkeys/unlink')
    expect((await visitor.follow(done)).text).toContain('Unlinked.')
    const subject = 'An account elsewhere was unlinked from yours'
    const mail = (await mailsTo(visitor.email)).find((one) => one.subject === subject)
    expect(mail?.text).toContain('Your account with Acme was unlinked from that at localhost:9400')
    const { other, asked } = await elsewhere(known)
    expect((await comeBackFrom(known.provider, other, asked)).location?.pathname).toBe('/sign-in/code')
  })

  it('that is unlinked by somebody else stays linked', async () => {
    const [person, stranger] = [await linked(), await linked()]
    const own = await person.visitor.open('/account/passkeys')
    const identity = hiddenFields(own, '/account/passkeys/unlink')?.get('identity') ?? ''
    const page = await stranger.visitor.open('/account/passkeys')
    expect((await stranger.visitor.submit(page, '/account/passkeys/unlink', { identity })).status).toBe(404)
    expect((await person.visitor.open('/account/passkeys')).text).toContain('Unlink Acme')
  })
})

describe('GitHub', () => {
  async function openGithub(visitorEmail: string, addresses?: unknown) {
    const path = `/${crypto.randomUUID()}`
    const issuer = hostUrl(path)
    await hostJson(`${path}/login/oauth/access_token`, {
      access_token: 'gho_x',
      token_type: 'bearer',
      scope: 'user:email',
    })
    await hostJson(`${path}/user`, { login: 'ada', id: Math.floor(Math.random() * 1e9) + 1 })
    const primary = { email: visitorEmail, primary: true, verified: true, visibility: 'private' }
    await hostJson(
      `${path}/user/emails`,
      addresses ?? [{ ...primary, email: 'old@example.com', primary: false }, primary],
    )
    const row = {
      kind: 'github',
      id: 'github',
      name: 'GitHub',
      issuer,
      api_url: issuer,
      client_id: 'c',
      client_secret: 's',
    }
    return { path, variables: { ...development, IDENTITY_PROVIDERS: JSON.stringify([row]) } }
  }
  const back = (visitor: Visitor, asked: URL) =>
    visitor.open(`/sign-in/callback/github?code=c&state=${encodeURIComponent(asked.searchParams.get('state') ?? '')}`)

  it('is asked with PKCE and state for what its API needs, and links by the primary address that it has verified', async () => {
    const email = `person-${crypto.randomUUID().slice(0, 8)}@example.com`
    const { path, variables } = await openGithub(email)
    const visitor = meetVisitor(variables)
    const asked = await leaveFor(visitor, 'github')
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      scope: 'read:user user:email',
      code_challenge_method: 'S256',
      redirect_uri: 'http://localhost:9400/sign-in/callback/github',
    })
    const answer = await back(visitor, asked)
    expect((await visitor.follow(answer)).text).toContain(email)
    const [request] = await requestsFor(`${path}/user`)
    expect(request?.headers).toMatchObject({ authorization: 'Bearer gho_x', 'x-github-api-version': '2022-11-28' })
  })

  it('that has verified no address links nothing', async () => {
    const { variables } = await openGithub('', [{ email: 'a@example.com', primary: true, verified: false }])
    const visitor = meetVisitor(variables)
    const answer = await back(visitor, await leaveFor(visitor, 'github'))
    expect([answer.status, answer.text.includes('has not verified an e-mail address')]).toEqual([400, true])
  })

  it('M8 is asked for everybody who comes in one minute, however few calls strangers are allowed', async () => {
    const { variables } = await openGithub('crowd@example.com')
    const usual = { ...variables, LIMITS: '{"per_address_15_minutes":100,"per_address_day":100}' }
    for (let person = 0; person < 6; person++) {
      const visitor = meetVisitor(usual)
      const answer = await back(visitor, await leaveFor(visitor, 'github'))
      expect([person, answer.location?.pathname]).toEqual([person, '/sign-in/code'])
    }
  })

  it('that says with status 200 that the code is not good is heard', async () => {
    const { path, variables } = await openGithub('')
    await hostJson(`${path}/login/oauth/access_token`, { error: 'bad_verification_code' })
    const visitor = meetVisitor(variables)
    const answer = await back(visitor, await leaveFor(visitor, 'github'))
    expect([answer.status, answer.text.includes('GitHub did not answer as it should')]).toEqual([400, true])
  })
})
