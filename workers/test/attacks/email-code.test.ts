import { beforeAll, describe, expect, it } from 'vitest'
import { allMails, mailsTo } from '../worker/mails.ts'
import { authorizeUrl, type Registered, registerServer } from '../worker/requests.ts'
import { type Answer, hiddenFields, meetVisitor, type Variables, type Visitor } from '../worker/visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

const start = (visitor: Visitor) => visitor.open(authorizeUrl({ resource: server.server_url }))

async function askForCode(visitor: Visitor, email = visitor.email): Promise<Answer> {
  return visitor.follow(await visitor.submit(await start(visitor), '/sign-in', { email }))
}

const another = (code: string) => (code === '00000000' ? '11111111' : '00000000')

describe('guessing', () => {
  it('C1 takes no sixth try, not even the right code (NIST SP 800-63B)', async () => {
    const visitor = meetVisitor()
    const page = await askForCode(visitor)
    const code = await visitor.nextCode()
    for (let attempt = 0; attempt < 5; attempt++) await visitor.submit(page, '/sign-in/code', { code: another(code) })
    const sixth = await visitor.submit(page, '/sign-in/code', { code })
    expect([sixth.status, sixth.setCookies]).toEqual([400, []])
    expect(sixth.text).toContain('Too many wrong codes were typed')
  })

  it('C2 sends no more codes once many were wrong for one account in a day, and answers as before', async () => {
    const variables: Variables = { LIMITS: '{"failures_per_account_day":2}' }
    const visitor = meetVisitor(variables)
    const page = await askForCode(visitor)
    const code = await visitor.nextCode()
    for (let attempt = 0; attempt < 2; attempt++) await visitor.submit(page, '/sign-in/code', { code: another(code) })
    const other = meetVisitor(variables)
    const answer = await other.submit(await start(other), '/sign-in', { email: visitor.email })
    expect([answer.status, answer.location?.pathname]).toEqual([303, '/sign-in/code'])
    expect(await mailsTo(visitor.email)).toHaveLength(1)
    expect((await visitor.submit(page, '/sign-in/code', { code })).status).toBe(429)
  })

  it('C3 counts parallel guesses one by one: at most five are compared', async () => {
    const visitor = meetVisitor()
    const page = await askForCode(visitor)
    const code = another(await visitor.nextCode())
    const answers = await Promise.all(Array.from({ length: 20 }, () => visitor.submit(page, '/sign-in/code', { code })))
    const left = answers
      .map(({ text }) => /(\d|one) tr(?:y|ies) left/.exec(text)?.[1])
      .filter((one) => one !== undefined)
    expect(left.sort()).toEqual(['2', '3', '4', 'one'])
    expect(answers.every(({ status }) => status === 400)).toBe(true)
  })

  it('C4 lets one of two parallel right answers in', async () => {
    const visitor = meetVisitor()
    const page = await askForCode(visitor)
    const code = await visitor.nextCode()
    const answers = await Promise.all([1, 2].map(() => visitor.submit(page, '/sign-in/code', { code })))
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 400])
    const sessions = answers.flatMap(({ setCookies }) => setCookies).filter((line) => line.startsWith('session='))
    expect(sessions).toHaveLength(1)
  })
})

describe('what an answer tells', () => {
  it('C5 answers known and unknown addresses alike (OWASP ASVS 6.3.8)', async () => {
    const known = meetVisitor()
    await known.signIn(await start(known))
    const shown = async (email: string) => {
      const visitor = meetVisitor()
      const sent = await visitor.submit(await start(visitor), '/sign-in', { email })
      const page = await visitor.follow(sent)
      const text = page.text.replaceAll(email, 'EMAIL').replaceAll(/value="[^"]*"|transaction=[\w-]*/g, '')
      return [sent.status, sent.location?.pathname, page.status, text.replace(/req_\w+/g, '')]
    }
    expect(await shown(known.email)).toEqual(await shown(`nobody-${crypto.randomUUID().slice(0, 8)}@example.com`))
  })

  it('C6 mails one address three times in a quarter of an hour, then keeps the answer and sends nothing', async () => {
    const { email } = meetVisitor()
    const statuses: number[] = []
    for (let round = 0; round < 4; round++) {
      const visitor = meetVisitor()
      statuses.push((await visitor.submit(await start(visitor), '/sign-in', { email })).status)
    }
    expect(statuses).toEqual([303, 303, 303, 303])
    expect(await mailsTo(email)).toHaveLength(3)
  })

  it('C6 shows the code page as usual when no mail was sent, and takes no code there', async () => {
    const variables: Variables = { LIMITS: '{"per_address_15_minutes":1}' }
    const first = meetVisitor(variables)
    await askForCode(first)
    const code = await first.nextCode()
    const second = meetVisitor(variables)
    const page = await askForCode(second, first.email)
    expect(hiddenFields(page, '/sign-in/code')).toBeDefined()
    const answer = await second.submit(page, '/sign-in/code', { code })
    expect([answer.status, answer.setCookies]).toEqual([400, []])
  })

  it('C7 mails no link and nothing that a program or an owner chose (SECURITY §16)', async () => {
    const visitor = meetVisitor()
    await askForCode(visitor)
    const [mail] = await mailsTo(visitor.email)
    expect(mail?.text).toContain('localhost:9400')
    expect(mail?.text).toContain('localhost:9401')
    expect(mail?.text).not.toMatch(/https?:|Claude|Team files/)
  })

  it('C15 has the code in no subject and no address', async () => {
    const visitor = meetVisitor()
    const page = await askForCode(visitor)
    const code = await visitor.nextCode()
    const [mail] = await mailsTo(visitor.email)
    expect(mail?.subject).not.toMatch(/\d/)
    const verified = await visitor.submit(page, '/sign-in/code', { code })
    expect(verified.location?.href).not.toContain(code)
  })
})

describe('whose code', () => {
  it('C8 takes the right code from no other browser', async () => {
    const asked = meetVisitor()
    const page = await askForCode(asked)
    const thief = meetVisitor()
    await start(thief)
    const answer = await thief.submit(page, '/sign-in/code', { code: await asked.nextCode() })
    expect([answer.status, answer.setCookies]).toEqual([400, []])
  })

  it('C9 takes the account from the session alone', async () => {
    const visitor = meetVisitor()
    const consent = await visitor.signIn(await start(visitor))
    visitor.cookies.delete('session')
    const answer = await visitor.submit(consent, '/consent', {
      decision: 'approve',
      scope: 'files:read',
      user_email: 'victim@example.com',
    })
    expect(answer.location?.searchParams.has('code') ?? false).toBe(false)
    expect(answer.status).toBe(403)
  })

  it('C19 takes no code once a newer one was sent', async () => {
    const visitor = meetVisitor()
    const page = await askForCode(visitor)
    const older = await visitor.nextCode()
    await visitor.submit(page, '/sign-in')
    const newer = await visitor.nextCode()
    expect((await visitor.submit(page, '/sign-in/code', { code: older })).status).toBe(400)
    expect((await visitor.submit(page, '/sign-in/code', { code: newer })).status).toBe(303)
  })
})

describe('addresses', () => {
  it.each([
    'victim@example.com,evil@example.org',
    'victim@example.com\r\nBcc: evil@example.org',
    '"victim"@example.com',
    'victim(comment)@example.com',
    'victim＠example.com',
    'vıctim@example.com',
    'victim@example.com evil@example.org',
    '<victim@example.com>',
    'victim@[127.0.0.1]',
    'victim@localhost',
    `${'x'.repeat(250)}@example.com`,
  ])('C10 mails nothing to %j', async (email) => {
    const before = await allMails()
    const visitor = meetVisitor()
    const answer = await visitor.submit(await start(visitor), '/sign-in', { email })
    const after = await allMails()
    expect(answer.status).toBe(400)
    expect(after[0]).toEqual(before[0])
  })

  it('C11 knows one account by every case of its address', async () => {
    const visitor = meetVisitor()
    const page = await visitor.submit(await start(visitor), '/sign-in', { email: visitor.email.toUpperCase() })
    expect((await visitor.follow(page)).text).toContain(visitor.email)
  })
})

describe('addresses of the network', () => {
  const deployed: Variables = { ISSUER: 'https://mcp.example.com', LIMITS: '{"per_ip_hour":2}' }
  const ask = async (ip: Record<string, string>) => {
    const visitor = meetVisitor(deployed)
    const url = new URL(authorizeUrl({ scope: 'openid' }).search, 'https://mcp.example.com/authorize')
    await visitor.submit(await visitor.open(url, ip), '/sign-in', { email: visitor.email }, ip)
    return (await mailsTo(visitor.email)).length
  }

  it('C22 counts one /64 as one address, however it is written', async () => {
    const network = `2001:db8:${Math.floor(Math.random() * 65_536).toString(16)}:1`
    expect(await ask({ 'cf-connecting-ip': `${network}::1` })).toBe(1)
    expect(await ask({ 'cf-connecting-ip': `${network.toUpperCase()}:0:0:0:2` })).toBe(1)
    expect(await ask({ 'cf-connecting-ip': `${network}:ffff::3` })).toBe(0)
  })

  it('C22 believes no X-Forwarded-For', async () => {
    const ip = { 'cf-connecting-ip': `2001:db8:${Math.floor(Math.random() * 65_536).toString(16)}:2::1` }
    const sent: number[] = []
    for (const last of [1, 2, 3]) sent.push(await ask({ ...ip, 'x-forwarded-for': `198.51.100.${last}` }))
    expect(sent).toEqual([1, 1, 0])
  })
})

describe('known devices', () => {
  it('C18 a stranger who uses up an address’s codes does not lock its person out', async () => {
    const visitor = meetVisitor()
    await visitor.signIn(await start(visitor))
    for (let round = 0; round < 4; round++) {
      const stranger = meetVisitor()
      await stranger.submit(await start(stranger), '/sign-in', { email: visitor.email })
    }
    const codes = async () => (await mailsTo(visitor.email)).filter(({ subject }) => subject.includes('code')).length
    const before = await codes()
    await visitor.submit(
      await visitor.open(authorizeUrl({ resource: server.server_url, prompt: 'login' })),
      '/sign-in',
      {
        email: visitor.email,
      },
    )
    expect(await codes()).toBe(before + 1)
  })

  it('C18 a device cookie that was not signed here is a stranger’s, and one of another person too', async () => {
    const other = meetVisitor()
    await other.signIn(await start(other))
    const device = other.cookies.get('device') ?? ''
    expect(device).toMatch(/^[\w-]{22}~\d+\.[\w-]{22}$/)
    expect(device).not.toContain(other.email)
    const victim = meetVisitor()
    await victim.signIn(await start(victim))
    const forged = [device, device.replace(/.{22}$/, 'f'.repeat(22)), `${device}~1.${'A'.repeat(22)}`, 'x']
    for (const cookie of forged) {
      const stranger = meetVisitor()
      stranger.cookies.set('device', cookie)
      await stranger.submit(await start(stranger), '/sign-in', { email: victim.email })
    }
    // Two were left of the three in a quarter of an hour.
    expect((await mailsTo(victim.email)).filter(({ subject }) => subject.includes('code'))).toHaveLength(3)
  })
})
