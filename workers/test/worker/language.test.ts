import { describe, expect, it } from 'vitest'
import { mailsTo } from './mails.ts'
import { authorizeUrl, registerServer } from './requests.ts'
import { meetVisitor, send } from './visitor.ts'

const german = { 'accept-language': 'de-CH,de;q=0.9,en;q=0.5' }

describe('the language of pages', () => {
  it('is the browser’s, and the page says which it is (WCAG 2.2, 3.1.1)', async () => {
    const page = await meetVisitor().open('/', german)
    expect(page.text).toContain('<html lang="de">')
    expect(page.text).toContain('Anmeldung und Zustimmung für MCP-Server')
    expect(page.headers.get('content-language')).toBe('de')
    expect((await meetVisitor().open('/')).text).toContain('<html lang="en">')
  })

  it('is what the program asks for with ui_locales, on every page of its authorization (OpenID Connect Core §3.1.2.1)', async () => {
    const server = await registerServer()
    const visitor = meetVisitor()
    const first = await visitor.open(authorizeUrl({ resource: server.server_url, ui_locales: 'fr de-AT en' }))
    expect(first.text).toContain('Melden Sie sich an')
    const consent = await visitor.signIn(first)
    expect(consent.text).toContain(
      'Darf <bdi class="name">Claude Code</bdi> für Sie <bdi class="name">Team files</bdi> benutzen?',
    )
  })

  it('is English for a program that asks for one we do not have', async () => {
    const page = await meetVisitor().open(authorizeUrl({ scope: 'openid', ui_locales: 'fr tlh' }))
    expect([page.text.includes('<html lang="en">'), page.setCookies.join().includes('language')]).toEqual([true, false])
  })

  it('is the language of the mail too, which names no program and no text of its choice (SECURITY §16)', async () => {
    const visitor = meetVisitor()
    const first = await visitor.open(authorizeUrl({ scope: 'openid' }), german)
    await visitor.submit(first, '/sign-in', { email: visitor.email }, german)
    const [mail] = await mailsTo(visitor.email)
    expect(mail?.subject).toBe('Ihr Anmeldecode')
    expect(mail?.text).not.toContain('Claude')
  })
})

describe('refusals', () => {
  it('are told to people in their language', async () => {
    const page = await meetVisitor().open('/sign-in?transaction=..%2f', german)
    expect(page.text).toContain('Das Formular ist nicht vollständig')
    expect(page.text).not.toContain('Für den Entwickler')
  })

  it('keep the English sentence for the developer where only that can help', async () => {
    const page = await meetVisitor().open(authorizeUrl({ client_id: undefined }), german)
    expect(page.text).toContain('Mit der Anfrage stimmt etwas nicht')
    expect(page.text).toContain('<p class="detail" lang="en">client_id is missing</p>')
  })

  it('stay English in error_description, whatever the caller’s language', async () => {
    const answer = await send('/token', { method: 'POST', headers: { ...german, 'content-type': 'application/json' } })
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'invalid_request' })
    expect(answer.text).not.toMatch(/[äöüß]|nicht/)
  })
})
