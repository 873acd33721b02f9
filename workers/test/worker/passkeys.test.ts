import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { newAuthenticator } from '../support/worker/authenticator.ts'
import { authorize, exchange, type Owner, openServer, tokensOf } from '../support/worker/flow.ts'
import {
  addPage,
  makePasskey,
  openAddPage,
  openAddPageByPasskey,
  passkeyOwner,
  passWait,
  settlePasskeys,
  usePasskey,
} from '../support/worker/passkeys.ts'
import { sql } from '../support/worker/sql.ts'
import { mailsTo } from './mails.ts'
import { authorizeUrl } from './requests.ts'
import { type Answer, meetVisitor, send, type Visitor } from './visitor.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

const here = '/account/passkeys'
const startIn = (visitor: Visitor) => visitor.open(authorizeUrl({ resource: owner.server_url }))
const age = (visitor: Visitor) =>
  sql(
    `update mcp_data.sessions set auth_time = auth_time - interval '16 minutes'
     where account_id = (select account_id from mcp_data.accounts where email = $1)`,
    [visitor.email],
  )
const searchOf = ({ location }: Answer) => Object.fromEntries(location?.searchParams ?? [])
const noticesTo = async ({ email }: Visitor) => (await mailsTo(email)).map(({ subject }) => subject)

describe('adding a passkey', () => {
  it('keeps it, shows it, and mails that it was added', async () => {
    const { visitor } = await passkeyOwner()
    const page = await visitor.open(here)
    for (const shown of ['Laptop', 'not used yet', 'Remove Laptop']) expect(page.text).toContain(shown)
    expect(await noticesTo(visitor)).toContain('A passkey was added to your account')
  })

  it('J22 asks for a fresh sign-in, before the page and once more at the end', async () => {
    const visitor = meetVisitor()
    const page = await openAddPage(visitor)
    await age(visitor)
    const late = await makePasskey(visitor, page, await newAuthenticator())
    const asked = { return_to: addPage, fresh: 'yes' }
    expect([late.location?.pathname, searchOf(late)]).toEqual(['/sign-in', asked])
    expect(searchOf(await visitor.open(addPage))).toEqual(asked)
  })

  it('J22 C7 asks whoever has one for a fresh sign-in with it, before the page and once more at the end', async () => {
    const { visitor, authenticator } = await passkeyOwner()
    const asked = { return_to: addPage, fresh: 'yes', by: 'passkey' }
    expect(searchOf(await visitor.open(addPage))).toEqual(asked)
    const page = await openAddPageByPasskey(visitor, authenticator)
    await age(visitor)
    expect(searchOf(await makePasskey(visitor, page, await newAuthenticator()))).toEqual(asked)
    const again = await openAddPageByPasskey(visitor, authenticator)
    expect(searchOf(await makePasskey(visitor, again, await newAuthenticator()))).toEqual({ done: 'added' })
  })

  it('C7 says of the first one until when a code removes it, on the page and in the mail', async () => {
    const { visitor, authenticator } = await passkeyOwner()
    const added = async () => (await mailsTo(visitor.email)).filter(({ subject }) => subject.includes('was added'))
    const [first] = await added()
    const until = /Until (.+ UTC) a sign-in with a code by e-mail is enough to remove it/.exec(first?.text ?? '')?.[1]
    expect((await visitor.open(here)).text).toContain(`Until ${until} a code by e-mail is enough`)
    await settlePasskeys(visitor)
    expect((await visitor.open(here)).text).not.toContain('Until')
    await makePasskey(visitor, await openAddPageByPasskey(visitor, authenticator), await newAuthenticator())
    const mails = await added()
    expect(mails.map(({ text }) => text.includes('Until'))).toEqual([false, true])
  })

  it('has one script, under a nonce that no other answer has, and asks the browser for nothing else (SECURITY §13)', async () => {
    const visitor = meetVisitor()
    const pages = [await openAddPage(visitor), await visitor.open(addPage)]
    const nonces = pages.map(({ headers, text }) => {
      const nonce = /script-src 'nonce-([A-Za-z0-9_-]{43})'/.exec(headers.get('content-security-policy') ?? '')?.[1]
      expect(text.match(/<script[^>]*>/g)).toEqual([`<script nonce="${nonce}">`])
      expect(headers.get('permissions-policy')).toContain('publickey-credentials-create=(self)')
      expect(headers.get('permissions-policy')).toContain('publickey-credentials-get=()')
      return nonce
    })
    expect(new Set(nonces).size).toBe(2)
    expect((await visitor.open(here)).headers.get('content-security-policy')).not.toContain('script-src')
  })

  it('refuses a name that cannot be seen', async () => {
    const visitor = meetVisitor()
    const page = await openAddPage(visitor)
    const credential = await (await newAuthenticator()).create({ challenge: 'c', rp: { id: 'localhost' } })
    for (const name of ['', '   ', 'x'.repeat(65), 'a\u202eb']) {
      const answer = await visitor.submit(page, addPage, { name, credential })
      expect([name, answer.status]).toEqual([name, 400])
    }
  })
})

describe('signing in with a passkey', () => {
  it('makes a session and goes on to consent', async () => {
    const { visitor, authenticator } = await passkeyOwner()
    const other = meetVisitor()
    const answer = await usePasskey(other, await startIn(other), authenticator)
    expect([answer.status, answer.location?.pathname]).toEqual([303, '/consent'])
    expect((await other.follow(answer)).text).toContain(visitor.email)
    expect((await visitor.open(here)).text).toMatch(/used <time/)
  })

  it('is told in the ID token: amr and acr (RFC 8176 §2, OpenID Connect EAP ACR Values 1.0 §2)', async () => {
    const { authenticator } = await passkeyOwner()
    const other = meetVisitor()
    await usePasskey(other, await startIn(other), authenticator)
    const tokens = tokensOf(await exchange(await authorize({ resource: owner.server_url, scope: 'openid' }, other)))
    expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({ amr: ['pop', 'user', 'mfa'], acr: 'phr' })
  })

  it('is offered first where this browser has used one, and the code by e-mail stays', async () => {
    const { authenticator } = await passkeyOwner()
    const other = meetVisitor()
    const orderOf = (text: string) => [
      text.indexOf('/sign-in/passkey"') < text.indexOf('id="email"'),
      text.includes('id="email"'),
    ]
    const page = await other.open('/sign-in')
    expect(orderOf(page.text)).toEqual([false, true])
    await usePasskey(other, page, authenticator)
    other.cookies.delete('session')
    expect(orderOf((await other.open('/sign-in')).text)).toEqual([true, true])
  })

  it('leads back to the page of ours that asked for it', async () => {
    const { visitor, authenticator } = await passkeyOwner()
    await age(visitor)
    const again = await usePasskey(visitor, await visitor.follow(await visitor.open(addPage)), authenticator)
    expect(again.location?.pathname).toBe(addPage)
  })

  it('is asked for at the field for the address too, and a page without JavaScript says that the code works without', async () => {
    const { text } = await meetVisitor().open('/sign-in')
    expect(text).toContain('Passkeys need JavaScript')
    expect(text).toMatch(/<form[^>]* hidden=""[^>]*data-passkey="get"/)
    expect(text).toContain('autocomplete="username webauthn"')
  })

  it('is not offered where the issuer is an IP address, which no passkey can be made for (WebAuthn Level 3 §5.1.3)', async () => {
    const visitor = meetVisitor({ ISSUER: 'http://127.0.0.1:9400' })
    const page = await visitor.open('/sign-in')
    expect(page.text).not.toContain('data-passkey')
    expect(page.headers.get('content-security-policy')).not.toContain('script-src')
  })
})

describe('the list of passkeys', () => {
  it('renames one', async () => {
    const { visitor } = await passkeyOwner()
    const answer = await visitor.submit(await visitor.open(here), '/account/passkeys/rename', { name: 'Old laptop' })
    const page = await visitor.follow(answer)
    expect(page.text).toContain('Renamed.')
    expect(page.text).toContain('Remove Old laptop')
  })

  it('removes one, mails it, and the passkey signs nobody in any more', async () => {
    const { visitor, authenticator } = await passkeyOwner()
    const answer = await visitor.submit(await visitor.open(here), '/account/passkeys/remove')
    expect((await visitor.follow(answer)).text).toContain('You have none yet.')
    expect(await noticesTo(visitor)).toContain('A passkey was removed from your account')
    const other = meetVisitor()
    const refused = await usePasskey(other, await startIn(other), authenticator)
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('That passkey is not known here')
  })

  it('J22 removes none without a fresh sign-in', async () => {
    const { visitor } = await passkeyOwner()
    const page = await visitor.open(here)
    await age(visitor)
    const answer = await visitor.submit(page, '/account/passkeys/remove')
    expect(searchOf(answer)).toEqual({ return_to: here, fresh: 'yes' })
    expect((await visitor.open(here)).text).toContain('Remove Laptop')
  })

  it('J22 C7 removes none without a fresh sign-in with a passkey, once the first one has been there long enough', async () => {
    const { visitor, authenticator } = await passkeyOwner()
    await settlePasskeys(visitor)
    const refused = await visitor.submit(await visitor.open(here), '/account/passkeys/remove')
    expect(searchOf(refused)).toEqual({ return_to: here, fresh: 'yes', by: 'passkey' })
    const page = await visitor.follow(await usePasskey(visitor, await visitor.follow(refused), authenticator))
    expect(page.text).toContain('Remove Laptop')
    const removed = await visitor.submit(page, '/account/passkeys/remove')
    expect((await visitor.follow(removed)).text).toContain('You have none yet.')
  })

  it('is part of one’s data', async () => {
    const { visitor } = await passkeyOwner()
    const own = JSON.parse((await visitor.open('/account/data/download')).text) as { passkeys: unknown[] }
    expect(own.passkeys).toMatchObject([{ name: 'Laptop' }])
  })
})

describe('the sign-in page that wants a passkey for the account’s own', () => {
  const wanted = `/sign-in?return_to=${addPage}&fresh=yes&by=passkey`

  it('says why, takes no code, and shows the way of who has lost it', async () => {
    const { visitor, authenticator } = await passkeyOwner()
    const page = await visitor.open(wanted)
    for (const shown of ['with one alone', 'I have lost my passkeys', `href="${here}#lost"`]) {
      expect(page.text).toContain(shown)
    }
    for (const other of ['id="email"', 'lets nobody in', '/sign-in/provider/']) expect(page.text).not.toContain(other)
    expect((await usePasskey(visitor, page, authenticator)).location?.pathname).toBe(addPage)
    expect((await visitor.open(wanted)).location?.pathname).toBe(addPage)
  })

  it('says so in German too', async () => {
    const page = await meetVisitor().open(wanted, { 'accept-language': 'de' })
    expect(page.text).toContain('Ich habe meine Passkeys verloren')
  })
})

describe('lost passkeys', () => {
  const lostPage = '/account/passkeys/lost'
  const decide = async (visitor: Visitor, act: string) => visitor.submit(await visitor.open(here), lostPage, { act })

  async function lostOwner() {
    const owner = await passkeyOwner()
    await settlePasskeys(owner.visitor)
    expect(searchOf(await decide(owner.visitor, 'report'))).toEqual({ done: 'reported' })
    return owner
  }

  it('are removed three days after their person has asked for it with a code, and a new one is made with a code', async () => {
    const { visitor, authenticator } = await lostOwner()
    await passWait(visitor, '71 hours 59 minutes')
    const waiting = await visitor.open(here)
    expect([waiting.text.includes('Remove all my passkeys'), waiting.text.includes('Keep my passkeys')]).toEqual([
      false,
      true,
    ])
    await passWait(visitor, '2 minutes')
    expect((await visitor.open(here)).text).toContain('Remove Laptop')
    const removed = await visitor.follow(await decide(visitor, 'remove'))
    for (const shown of ['All of them are removed.', 'You have none yet.']) expect(removed.text).toContain(shown)
    expect(await noticesTo(visitor)).toContain('All passkeys were removed from your account')
    const other = meetVisitor()
    expect((await usePasskey(other, await startIn(other), authenticator)).text).toContain('not known here')
    const made = await makePasskey(visitor, await openAddPage(visitor), await newAuthenticator())
    expect(searchOf(made)).toEqual({ done: 'added' })
  })

  it('are told by mail at once: from when on they can be removed, and how to stop it', async () => {
    const { visitor } = await lostOwner()
    const mail = (await mailsTo(visitor.email)).find(({ subject }) => subject === 'Your passkeys are said to be lost')
    const removable = /From (.+ UTC) on, they can be removed/.exec(mail?.text ?? '')?.[1]
    expect(mail?.text).toContain('localhost:9400/account/passkeys into your browser')
    expect(mail?.text).toContain('“Keep my passkeys”')
    expect((await visitor.open(here)).text).toContain(`From ${removable} on, all of them can be removed.`)
    await decide(visitor, 'report').catch(() => undefined)
    expect((await noticesTo(visitor)).filter((subject) => subject.includes('lost'))).toHaveLength(1)
  })

  it('stay where somebody who is signed in keeps them, after the wait too', async () => {
    const { visitor } = await lostOwner()
    await passWait(visitor)
    const page = await visitor.open(here)
    expect(page.text).toContain('Remove all my passkeys')
    expect((await visitor.follow(await decide(visitor, 'keep'))).text).toContain('Your passkeys stay.')
    expect(searchOf(await visitor.submit(page, lostPage, { act: 'remove' }))).toEqual({})
    expect((await visitor.open(here)).text).toContain('Remove Laptop')
  })

  it('stay where one of them signs in', async () => {
    const { visitor, authenticator } = await lostOwner()
    const page = await visitor.open(here)
    const other = meetVisitor()
    await usePasskey(other, await startIn(other), authenticator)
    await passWait(visitor)
    await visitor.submit(page, lostPage, { act: 'remove' })
    const kept = await visitor.open(here)
    for (const shown of ['Remove Laptop', 'All my passkeys are lost']) expect(kept.text).toContain(shown)
    expect((await visitor.open('/account/activity')).text).toContain('Passkeys are not lost: they stay')
  })

  const ended = 'Your passkeys are no longer said to be lost'
  const endedMails = async ({ email }: Visitor) => (await mailsTo(email)).filter(({ subject }) => subject === ended)

  it('J22 C7 tell by mail whoever waits that they were kept, once for each report: when, from where, and what to do', async () => {
    const { visitor } = await lostOwner()
    const page = await visitor.open(here)
    expect(searchOf(await visitor.submit(page, lostPage, { act: 'keep' }))).toEqual({ done: 'kept' })
    expect(searchOf(await visitor.submit(page, lostPage, { act: 'keep' }))).toEqual({})
    const [mail, ...more] = await endedMails(visitor)
    expect(more).toEqual([])
    expect(mail?.text).toMatch(/with “Keep my passkeys”, from .+, on .+ UTC\./)
    for (const said of ['localhost:9400/account/sessions', 'sign out everywhere else', 'The wait begins anew']) {
      expect(mail?.text).toContain(said)
    }
    await decide(visitor, 'report')
    await decide(visitor, 'keep')
    expect(await endedMails(visitor)).toHaveLength(2)
  })

  it('J22 C7 tell by mail whoever waits that one of them has signed in, or that one came', async () => {
    const { visitor, authenticator } = await lostOwner()
    for (const browser of [meetVisitor(), meetVisitor()]) {
      await usePasskey(browser, await startIn(browser), authenticator)
    }
    expect((await endedMails(visitor)).map(({ text }) => text.includes('A sign-in with one of them'))).toEqual([true])
    const page = await openAddPageByPasskey(visitor, authenticator)
    expect(searchOf(await decide(visitor, 'report'))).toEqual({ done: 'reported' })
    expect(searchOf(await makePasskey(visitor, page, await newAuthenticator()))).toEqual({ done: 'added' })
    const [newest] = await endedMails(visitor)
    expect(newest?.text).toContain('because a passkey was added or removed')
  })

  it('J22 tell nobody where nothing was said, or it has lapsed', async () => {
    const { visitor, authenticator } = await lostOwner()
    const page = await visitor.open(here)
    await passWait(visitor, '11 days')
    expect(searchOf(await visitor.submit(page, lostPage, { act: 'keep' }))).toEqual({})
    const other = meetVisitor()
    await usePasskey(other, await startIn(other), authenticator)
    expect(await endedMails(visitor)).toEqual([])
  })

  it('J22 are neither reported nor removed without a fresh sign-in, which may be by code', async () => {
    const { visitor } = await passkeyOwner()
    await settlePasskeys(visitor)
    await age(visitor)
    const asked = { return_to: here, fresh: 'yes' }
    const refused = await decide(visitor, 'report')
    expect(searchOf(refused)).toEqual(asked)
    const page = await visitor.signIn(await visitor.follow(refused))
    await visitor.submit(page, lostPage, { act: 'report' })
    await passWait(visitor)
    await age(visitor)
    expect(searchOf(await decide(visitor, 'remove'))).toEqual(asked)
  })

  it('are part of one’s data', async () => {
    const { visitor } = await lostOwner()
    const own = JSON.parse((await visitor.open('/account/data/download')).text) as { lost_passkeys: unknown }
    expect(own.lost_passkeys).toMatchObject({ removable_at_seconds: expect.any(Number) as number })
  })

  it('cannot be reported where a code still removes them, nor where there are none', async () => {
    const { visitor } = await passkeyOwner()
    expect((await visitor.open(here)).text).not.toContain(lostPage)
    await visitor.submit(await visitor.open(here), '/account/passkeys/remove')
    expect((await visitor.open(here)).text).not.toContain(lostPage)
  })
})

describe('a server that asks for more of a sign-in', () => {
  const consentOf = (visitor: Visitor, server: Owner) => visitor.open(authorizeUrl({ resource: server.server_url }))

  it('B33 wants a passkey: whoever has signed in by code is told so, and gets no consent page', async () => {
    const strict = await openServer(['files:read'], { requires_passkey: true })
    const { visitor, authenticator } = await passkeyOwner()
    const page = await consentOf(visitor, strict)
    expect(page.text).toContain('lets nobody in but with a passkey')
    expect(page.text).not.toContain('id="email"')
    const consent = await visitor.follow(await usePasskey(visitor, page, authenticator))
    expect(consent.text).toContain('name="decision"')
    expect((await consentOf(visitor, await openServer())).text).toContain('name="decision"')
  })

  it('B33 wants a fresh sign-in: with one of sixteen minutes ago the sign-in page comes, and no code', async () => {
    const fresh = await openServer(['files:read'], { sign_in_max_age_seconds: 900 })
    const { visitor } = await passkeyOwner()
    const consent = await consentOf(visitor, fresh)
    expect(consent.text).toContain('name="decision"')
    await age(visitor)
    expect((await consentOf(visitor, fresh)).text).toContain('id="email"')
  })

  it('B33 takes no decision after its owner has asked for a passkey', async () => {
    const server = await openServer(['files:read'])
    const { visitor } = await passkeyOwner()
    const consent = await consentOf(visitor, server)
    const headers = { authorization: `Bearer ${server.management_token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ requires_passkey: true })
    const changed = await send(`/api/servers/${server.server_id}`, { method: 'PATCH', headers, body })
    expect(JSON.parse(changed.text)).toMatchObject({ requires_passkey: true })
    const decided = await visitor.submit(consent, '/consent', { decision: 'approve', scope: 'files:read' })
    expect(decided.location?.pathname).toBe('/sign-in')
  })
})
