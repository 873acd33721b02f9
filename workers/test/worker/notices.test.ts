import { beforeAll, describe, expect, it } from 'vitest'
import { forgetClients } from '../../src/clients/find-client.ts'
import {
  authorize,
  connect,
  exchange,
  isActive,
  type Owner,
  openServer,
  refresh,
  tokensOf,
} from '../support/worker/flow.ts'
import { openHouse } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { hasCode, type Mail, mailsTo } from './mails.ts'
import { atServer, authorizeUrl, openFor } from './requests.ts'
import { meetVisitor, type Visitor } from './visitor.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

const firefox = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' }
const german = { 'accept-language': 'de' }
const notices = async ({ email }: Visitor) => (await mailsTo(email)).filter((mail) => !hasCode(mail)).reverse()
const subjects = async (visitor: Visitor) => (await notices(visitor)).map(({ subject }) => subject)

const newSignIn = 'New sign-in to your account'
const newProgram = 'A program was connected to your account'
const ended = 'We ended a connection to protect you'

/** What no mail of ours may hold (SECURITY §16). */
function expectHarmless({ text, html }: Mail): void {
  for (const part of [text, html]) expect(part).not.toMatch(/https?:|href|<img|Team files|Some tool|mrt_|mac_/)
}

async function signIn(visitor: Visitor, email: string, headers: Record<string, string> = {}): Promise<void> {
  const page = await visitor.open('/sign-in', headers)
  const sent = await visitor.submit(page, '/sign-in', { email }, headers)
  const mails = (await mailsTo(email)).filter(hasCode)
  const code = /\b\d{8}\b/.exec(mails[0]?.text ?? '')?.[0] ?? ''
  await visitor.submit(await visitor.follow(sent), '/sign-in/code', { code }, headers)
}

describe('a sign-in from a new device', () => {
  it('C7 is told once for each browser, with place and moment', async () => {
    const visitor = meetVisitor()
    const country = { 'cf-ipcountry': 'CH' }
    await signIn(visitor, visitor.email, { ...firefox, ...country })
    const [notice] = await notices(visitor)
    expect(notice?.subject).toBe(newSignIn)
    expect(notice?.text).toContain('from Firefox on Linux, Switzerland, on ')
    expect(notice?.text).toContain('localhost:9400/account/sessions')
    if (notice) expectHarmless(notice)
    await visitor.submit(await visitor.open('/sign-out'), '/sign-out')
    await signIn(visitor, visitor.email, firefox)
    expect(await subjects(visitor)).toEqual([newSignIn])
    await signIn(meetVisitor(), visitor.email)
    expect(await subjects(visitor)).toEqual([newSignIn, newSignIn])
  })

  it('C7 is told for a browser that only another person has used', async () => {
    const [first, second] = [meetVisitor(), meetVisitor()]
    await signIn(first, first.email)
    second.cookies.set('device', first.cookies.get('device') ?? '')
    await signIn(second, second.email)
    expect(await subjects(second)).toEqual([newSignIn])
    second.cookies.delete('session')
    await signIn(second, first.email)
    expect(await subjects(first)).toEqual([newSignIn])
  })

  it('C7 is told again after the person signed out everywhere', async () => {
    const visitor = meetVisitor()
    await signIn(visitor, visitor.email)
    await visitor.submit(await visitor.open('/sign-out'), '/sign-out', { everywhere: 'yes' })
    await sql(
      "update mcp_data.accounts set devices_forgotten_at = devices_forgotten_at + interval '2 seconds' where email = $1",
      [visitor.email],
    )
    await signIn(visitor, visitor.email)
    expect(await subjects(visitor)).toEqual([newSignIn, newSignIn])
  })

  it('is told in the language of the browser', async () => {
    const visitor = meetVisitor()
    await signIn(visitor, visitor.email, german)
    expect(await subjects(visitor)).toEqual(['Neue Anmeldung in Ihrem Konto'])
  })
})

describe('the first connection of a client', () => {
  it('C7 is told once for each client, and names it only where its name is our own', async () => {
    const visitor = meetVisitor()
    await connect(owner, {}, visitor)
    const told = async () => (await notices(visitor)).filter(({ subject }) => subject === newProgram)
    const [notice] = await told()
    expect(notice?.text).toContain('Claude Code may now use localhost:9401 for you.')
    expect(notice?.text).toContain('from an unknown browser, on ')
    if (notice) expectHarmless(notice)
    await connect(await openServer(), {}, visitor)
    expect(await told()).toHaveLength(1)
    const client = { client_id: `dcr_${crypto.randomUUID()}`, client_name: 'Some tool' }
    const transaction = await openFor(visitor, { client, authorization: atServer(owner) })
    const consent = await visitor.open(`/consent?transaction=${transaction}`)
    await visitor.submit(consent, '/consent', { decision: 'approve', scope: ['files:read', 'files:write'] })
    const second = (await told())[1]
    expect(second?.text).toContain('A program that you had not connected before may now use localhost:9401')
    if (second) expectHarmless(second)
  })

  it('is not told of a Deny, and says what else than a server it is for', async () => {
    const visitor = meetVisitor()
    const consent = await visitor.signIn(await visitor.open(authorizeUrl({ scope: 'openid email' })))
    await visitor.submit(consent, '/consent', { decision: 'deny' })
    expect(await subjects(visitor)).toEqual([newSignIn])
    const again = await visitor.open(authorizeUrl({ scope: 'openid email' }))
    await visitor.submit(again, '/consent', { decision: 'approve' })
    expect((await notices(visitor))[1]?.text).toContain('Claude Code now knows who you are.')
  })
})

describe('a suspected theft', () => {
  it('G2 is told once, when an old refresh token is used again (SECURITY §19)', async () => {
    const { visitor, refresh_token, access_token } = await connect(owner)
    const second = tokensOf(await refresh(refresh_token)).refresh_token
    await refresh(second)
    for (let replay = 0; replay < 2; replay += 1) {
      expect((await refresh(refresh_token)).json?.error).toBe('invalid_grant')
    }
    expect(await isActive(owner, access_token)).toBe(false)
    expect(await subjects(visitor)).toEqual([newSignIn, newProgram, ended])
    const notice = (await notices(visitor))[2]
    expect(notice?.text).toContain('connected to localhost:9401 in your name')
    if (notice) expectHarmless(notice)
  })

  it('F1 is told when a code is used twice, and not for what proves nothing', async () => {
    const grant = await authorize({ resource: owner.server_url })
    await exchange(grant)
    await exchange({ ...grant, verifier: 'w'.repeat(43) })
    await exchange({ ...grant, code: `${grant.code.slice(0, -43)}${'x'.repeat(43)}` })
    expect(await subjects(grant.visitor)).toEqual([newSignIn, newProgram])
    await exchange(grant)
    await exchange(grant)
    expect(await subjects(grant.visitor)).toEqual([newSignIn, newProgram, ended])
  })

  it('is told in the language of the person, although a program caused it', async () => {
    const visitor = meetVisitor()
    await signIn(visitor, visitor.email, german)
    const { refresh_token } = await connect(owner, {}, visitor)
    await refresh(tokensOf(await refresh(refresh_token)).refresh_token)
    await refresh(refresh_token, {}, openHouse())
    expect(await subjects(visitor)).toContain('Wir haben eine Verbindung beendet, um Sie zu schützen')
  })

  it('G2 answers as usual when the mail cannot be sent, and the log says so without the address', async () => {
    const broken = openHouse({ variables: { EMAIL_WEBHOOK_URL: 'http://127.0.0.1:9/' } })
    const { visitor, refresh_token } = await connect(owner)
    await refresh(tokensOf(await refresh(refresh_token)).refresh_token)
    const answer = await refresh(refresh_token, {}, broken)
    expect([answer.status, answer.json?.error]).toEqual([400, 'invalid_grant'])
    expect(broken.lines).toContainEqual(expect.objectContaining({ level: 'error', reason: 'email_not_sent' }))
    expect(JSON.stringify(broken.lines)).not.toContain(visitor.email)
  })

  it('decision 1: costs no second database call', async () => {
    forgetClients()
    const own = openHouse()
    const { refresh_token } = await connect(owner)
    await refresh(tokensOf(await refresh(refresh_token)).refresh_token)
    await refresh(refresh_token, {}, own)
    expect(own.calls).toEqual(['rotate_refresh_token'])
  })
})

describe('a deleted account', () => {
  it('is confirmed to its address', async () => {
    const visitor = meetVisitor()
    await signIn(visitor, visitor.email, firefox)
    await visitor.submit(await visitor.open('/account/delete'), '/account/delete', { confirm: 'yes' }, firefox)
    const notice = (await notices(visitor)).at(-1)
    expect(notice?.subject).toBe('Your account is deleted')
    expect(notice?.text).toContain('Firefox on Linux')
    if (notice) expectHarmless(notice)
  })
})
