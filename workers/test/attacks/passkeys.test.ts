import { beforeAll, describe, expect, it } from 'vitest'
import { toBase64Url, utf8 } from '../../src/crypto/encoding.ts'
import { askedOf, type Lie, newAuthenticator } from '../support/worker/authenticator.ts'
import { type Owner, openServer } from '../support/worker/flow.ts'
import {
  addPage,
  makePasskey,
  openAddPage,
  passkeyOwner,
  passWait,
  settlePasskeys,
  usePasskey,
} from '../support/worker/passkeys.ts'
import { sql } from '../support/worker/sql.ts'
import { hasCode, mailsTo } from '../worker/mails.ts'
import { authorizeUrl } from '../worker/requests.ts'
import { type Answer, hiddenFields, meetVisitor, type Visitor } from '../worker/visitor.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

const startIn = (visitor: Visitor) => visitor.open(authorizeUrl({ resource: owner.server_url }))
const lies: readonly [string, Lie][] = [
  ['another origin', { origin: 'https://evil.example' }],
  ['another port of our host', { origin: 'http://localhost:9401' }],
  ['another host’s key', { rpId: 'evil.example' }],
  ['another challenge', { challenge: toBase64Url(new Uint8Array(32)) }],
  ['nobody verified', { flags: 1 + 8 }],
  ['nobody present', { flags: 4 + 8 }],
]

describe('an answer to a sign-in', () => {
  it.each([
    ...lies,
    ['the answer of a registration', { type: 'webauthn.create' }],
    ['somebody else’s account', { userHandle: toBase64Url(utf8(crypto.randomUUID())) }],
    ['backed up though it cannot be', { flags: 1 + 4 + 16 }],
  ])('with %s is refused, and signs nobody in (WebAuthn Level 3 §7.2)', async (_name, lie) => {
    const { authenticator } = await passkeyOwner()
    const visitor = meetVisitor()
    const page = await startIn(visitor)
    const credential = await authenticator.get(askedOf(page), lie)
    const answer = await visitor.submit(page, '/sign-in/passkey', { credential })
    expect([answer.status, visitor.cookies.has('session')]).toEqual([400, false])
    // The next answer is a right one: nothing is locked.
    expect((await usePasskey(visitor, answer, authenticator)).status).toBe(303)
  })

  it('A30 counts once: the same answer again is refused, also in the same transaction', async () => {
    const { authenticator } = await passkeyOwner()
    const visitor = meetVisitor()
    const page = await startIn(visitor)
    const credential = await authenticator.get(askedOf(page))
    const consent = await visitor.follow(await visitor.submit(page, '/sign-in/passkey', { credential }))
    const again = await visitor.follow(await visitor.submit(consent, '/sign-out'))
    expect(askedOf(again).challenge).not.toBe(askedOf(page).challenge)
    const replayed = await visitor.submit(again, '/sign-in/passkey', { credential })
    expect([replayed.status, visitor.cookies.has('session')]).toEqual([400, false])
  })

  it('A30 sent twice at once signs in once', async () => {
    const { authenticator } = await passkeyOwner()
    const visitor = meetVisitor()
    const page = await startIn(visitor)
    const credential = await authenticator.get(askedOf(page))
    const send = () => visitor.submit(page, '/sign-in/passkey', { credential })
    const statuses = (await Promise.all([send(), send()])).map(({ status }) => status)
    expect(statuses.sort()).toEqual([303, 400])
  })

  it('B5 B11 to another browser’s page is refused', async () => {
    const { authenticator } = await passkeyOwner()
    const victim = meetVisitor()
    const attacker = meetVisitor()
    const credential = await authenticator.get(askedOf(await startIn(attacker)))
    const answer = await victim.submit(await startIn(victim), '/sign-in/passkey', { credential })
    expect([answer.status, victim.cookies.has('session')]).toEqual([400, false])
  })

  it('by a key that says another passkey’s id is refused', async () => {
    const { visitor: victim, authenticator } = await passkeyOwner()
    const { authenticator: attackers } = await passkeyOwner()
    const visitor = meetVisitor()
    const page = await startIn(visitor)
    const [row] = await sql('select account_id from mcp_data.accounts where email = $1', [victim.email])
    const userHandle = toBase64Url(utf8(String(row?.account_id)))
    const credential = await attackers.get(askedOf(page), { id: authenticator.id, userHandle })
    expect((await visitor.submit(page, '/sign-in/passkey', { credential })).status).toBe(400)
  })

  it('with a counter that does not grow is that of a copy, and an event of its account (§7.2, step 22)', async () => {
    const { visitor: person, authenticator } = await passkeyOwner()
    const use = async (counter: number) => {
      const visitor = meetVisitor()
      const page = await startIn(visitor)
      const credential = await authenticator.get(askedOf(page), { counter })
      return (await visitor.submit(page, '/sign-in/passkey', { credential })).status
    }
    expect([await use(5), await use(6), await use(6), await use(0)]).toEqual([303, 303, 400, 400])
    expect((await person.open('/account/activity')).text).toContain('A passkey was not accepted')
  })

  it('B6 a session that was planted is not kept', async () => {
    const { authenticator } = await passkeyOwner()
    const visitor = meetVisitor()
    visitor.cookies.set('session', 's'.repeat(43))
    await usePasskey(visitor, await startIn(visitor), authenticator)
    expect(visitor.cookies.get('session')).not.toBe('s'.repeat(43))
  })

  it('B3 without the page’s token, or from another site, is not looked at', async () => {
    const { authenticator } = await passkeyOwner()
    const visitor = meetVisitor()
    const page = await startIn(visitor)
    const credential = await authenticator.get(askedOf(page))
    expect((await visitor.submit(page, '/sign-in/passkey', { credential, csrf: 'x' })).status).toBe(403)
    const elsewhere = { origin: 'https://evil.example' }
    expect((await visitor.submit(page, '/sign-in/passkey', { credential }, elsewhere)).status).toBe(403)
    expect((await visitor.submit(page, '/sign-in/passkey', { credential })).status).toBe(303)
  })

  it.each(['', '{}', 'null', '[]', '{"id":"a"}', `{"id":"${'a'.repeat(5_000)}"}`])(
    'that is no answer is 400: %.20s',
    async (credential) => {
      const visitor = meetVisitor()
      const answer = await visitor.submit(await startIn(visitor), '/sign-in/passkey', { credential })
      expect(answer.status).toBe(400)
    },
  )
})

describe('a new passkey', () => {
  it.each([...lies, ['the answer of a sign-in', { type: 'webauthn.get' }]])(
    'with %s is not kept (WebAuthn Level 3 §7.1)',
    async (_name, lie) => {
      const visitor = meetVisitor()
      const page = await openAddPage(visitor)
      const authenticator = await newAuthenticator()
      // What is not asked for in flags is the data of the new key itself.
      const flags = lie.flags === undefined ? {} : { flags: lie.flags + 64 }
      const credential = await authenticator.create(askedOf(page), { ...lie, ...flags })
      const answer = await visitor.submit(page, addPage, { name: 'Laptop', credential })
      expect(answer.status).toBe(400)
      expect((await visitor.open('/account/passkeys')).text).toContain('You have none yet.')
      expect((await makePasskey(visitor, answer, authenticator)).status).toBe(303)
    },
  )

  it('counts once, and for the session that asked for it', async () => {
    const visitor = meetVisitor()
    const page = await openAddPage(visitor)
    const authenticator = await newAuthenticator()
    const credential = await authenticator.create(askedOf(page))
    const fields = { name: 'Laptop', credential }
    expect((await visitor.submit(page, addPage, fields)).status).toBe(303)
    const removed = await visitor.submit(await visitor.open('/account/passkeys'), '/account/passkeys/remove')
    expect(removed.status).toBe(303)
    expect((await visitor.submit(page, addPage, fields)).status).toBe(400)
    const other = meetVisitor()
    expect((await other.submit(await openAddPage(other), addPage, fields)).status).toBe(400)
  })

  it('that is another account’s is not taken over', async () => {
    const { visitor: person, authenticator } = await passkeyOwner()
    const attacker = meetVisitor()
    const page = await openAddPage(attacker)
    const answer = await makePasskey(attacker, page, authenticator)
    expect([answer.status, answer.text.includes('in use already')]).toEqual([400, true])
    expect((await person.open('/account/passkeys')).text).toContain('Laptop')
  })
})

/** Signs another browser in with a code of this person's, from the sign-in page that is shown there. */
async function typeCodeOf({ email }: Visitor, visitor: Visitor, page: Answer): Promise<Answer> {
  const codePage = await visitor.follow(await visitor.submit(page, '/sign-in', { email }))
  const [mail] = (await mailsTo(email)).filter(hasCode)
  const code = /\b\d{8}\b/.exec(mail?.text ?? '')?.[0] ?? ''
  return visitor.follow(await visitor.submit(codePage, '/sign-in/code', { code }))
}

describe('C7 J22 a session by a code that somebody was talked out of', () => {
  const here = '/account/passkeys'

  /** A person with a passkey, and a phisher who has typed one of the person's codes in a browser of his own. */
  async function phished() {
    const { visitor: person, authenticator } = await passkeyOwner()
    await settlePasskeys(person)
    const phisher = meetVisitor()
    const page = await typeCodeOf(person, phisher, await phisher.open(`/sign-in?return_to=${here}`))
    expect(page.text).toContain('Remove Laptop')
    return { person, phisher, page, authenticator }
  }

  const stillHas = async (visitor: Visitor) => (await visitor.open(here)).text.includes('Remove Laptop')
  const wantsPasskey = (answer: Answer) => answer.location?.search.endsWith('&fresh=yes&by=passkey')

  it('adds none to an account which has one, nor by a page from before there was one', async () => {
    const person = meetVisitor()
    const early = await openAddPage(person)
    const session = person.cookies.get('session') ?? ''
    person.cookies.delete('session')
    await makePasskey(person, await openAddPage(person), await newAuthenticator())
    person.cookies.set('session', session)
    expect(wantsPasskey(await makePasskey(person, early, await newAuthenticator()))).toBe(true)
    const { phisher } = await phished()
    expect(wantsPasskey(await phisher.open(addPage))).toBe(true)
    const text = `select count(*)::integer as n from mcp_data.passkeys join mcp_data.accounts using (account_id) where email = $1`
    expect(await sql(text, [person.email])).toEqual([{ n: 1 }])
  })

  it('removes none, by its form or by one of its own making', async () => {
    const { phisher, page } = await phished()
    expect(wantsPasskey(await phisher.submit(page, '/account/passkeys/remove'))).toBe(true)
    const csrf = hiddenFields(page, '/account/passkeys/rename')?.get('csrf') ?? ''
    const passkey = hiddenFields(page, '/account/passkeys/remove')?.get('passkey') ?? ''
    const forged = await phisher.post('/account/passkeys/remove', new URLSearchParams({ csrf, passkey }))
    expect(forged.status).toBe(403)
    expect(await stillHas(phisher)).toBe(true)
  })

  it('is not helped by a code at the page that wants a passkey', async () => {
    const { person, phisher, page } = await phished()
    const wall = await phisher.follow(await phisher.submit(page, '/account/passkeys/remove'))
    const transaction = hiddenFields(wall, '/sign-in/passkey')?.get('transaction') ?? ''
    const codePage = await phisher.open(`/sign-in/code?transaction=${transaction}`)
    for (const { text } of [wall, codePage]) expect(text).not.toContain('action="/sign-in"')
    phisher.cookies.delete('session')
    await typeCodeOf(person, phisher, await phisher.open(`/sign-in?return_to=${here}`))
    const again = await phisher.open(`/sign-in?transaction=${transaction}`)
    expect([again.status, again.text.includes('with one alone')]).toEqual([200, true])
  })

  it('removes none as lost before the wait is over, and none that has been used meanwhile', async () => {
    const { phisher, page, authenticator } = await phished()
    const act = (act: string, form = page) => phisher.submit(form, '/account/passkeys/lost', { act })
    await act('remove')
    await act('report')
    await act('remove')
    expect(await stillHas(phisher)).toBe(true)
    const other = meetVisitor()
    await usePasskey(other, await startIn(other), authenticator)
    await passWait(phisher, '10 days')
    await act('remove')
    expect(await stillHas(phisher)).toBe(true)
  })

  it.each(['', 'Report', 'remove_all'])('does nothing with an act that there is not: "%s"', async (act) => {
    const { phisher, page } = await phished()
    expect((await phisher.submit(page, '/account/passkeys/lost', { act })).status).toBe(400)
  })

  it('B3 asks for nothing without the page’s token, or from another site', async () => {
    const { phisher, page } = await phished()
    const ask = (fields: Record<string, string>, headers = {}) =>
      phisher.submit(page, '/account/passkeys/lost', { act: 'report', ...fields }, headers)
    expect((await ask({ csrf: 'x' })).status).toBe(403)
    expect((await ask({}, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await phisher.open(here)).text).toContain('All my passkeys are lost')
  })
})

describe('a passkey that a phisher has made in an account without any', () => {
  it('C7 is removed with a code by the person who reads the mail, for as long as it says', async () => {
    const { visitor: phisher } = await passkeyOwner()
    const person = meetVisitor()
    const page = await typeCodeOf(phisher, person, await person.open('/sign-in?return_to=/account/passkeys'))
    const removed = await person.submit(page, '/account/passkeys/remove')
    expect((await person.follow(removed)).text).toContain('You have none yet.')
  })
})

describe('another person’s passkey', () => {
  it.each(['rename', 'remove'])('cannot be touched: %s', async (act) => {
    const { visitor: person } = await passkeyOwner()
    const { visitor: attacker } = await passkeyOwner()
    const passkey = /pky_[0-9A-Za-z]{12}/.exec((await person.open('/account/passkeys')).text)?.[0] ?? ''
    const page = await attacker.open('/account/passkeys')
    const answer = await attacker.submit(page, `/account/passkeys/${act}`, { passkey, name: 'Mine' })
    expect(answer.status).toBe(404)
    expect((await person.open('/account/passkeys')).text).toContain('Remove Laptop')
  })
})
