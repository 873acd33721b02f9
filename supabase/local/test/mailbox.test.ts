import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PortRefused } from '../src/http.ts'
import { type Mailbox, type Message, startMailbox } from '../src/mailbox.ts'

const secret = 'a mailbox secret'
let mailbox: Mailbox
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailbox-'))
  mailbox = await startMailbox({ secret, file: join(folder, 'mail.json') })
})
afterEach(async () => {
  await mailbox.close()
  await rm(folder, { recursive: true, force: true })
})

const mail = { to: 'ada@example.com', subject: 'Your code', text: '1234 5678' }
const post = (message: unknown, authorization = `Bearer ${secret}`) =>
  fetch(`${mailbox.url}/api/messages`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: typeof message === 'string' ? message : JSON.stringify(message),
  })
const list = async () => (await (await fetch(`${mailbox.url}/api/messages`)).json()) as Message[]

describe('the mailbox', () => {
  it('keeps what is posted with the secret and lists it, newest first', async () => {
    expect((await post(mail)).status).toBe(201)
    expect((await post({ ...mail, subject: 'Second', cc: 'x' })).status).toBe(201)
    const messages = await list()
    expect(messages).toMatchObject([{ ...mail, subject: 'Second' }, mail])
    expect(Object.keys(messages[0] ?? {})).toEqual(['id', 'to', 'subject', 'text', 'received_at'])
    expect(messages[0]?.received_at).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
    expect(mailbox.messages()).toEqual(messages)
  })

  it('refuses a wrong or missing secret and bodies that are no message, and keeps nothing', async () => {
    expect((await post(mail, 'Bearer another')).status).toBe(401)
    expect((await post(mail, '')).status).toBe(401)
    for (const body of ['{', '[]', 'null', { to: 'x' }, { ...mail, text: 1 }, { ...mail, text: 'x'.repeat(70_000) }]) {
      expect((await post(body)).status).toBe(400)
    }
    expect(await list()).toEqual([])
  })

  it('keeps at most 200 messages, also across a restart, in a file for its owner only', async () => {
    for (let number = 0; number < 205; number += 1) await post({ ...mail, subject: `mail ${number}` })
    await mailbox.close()
    expect((await stat(join(folder, 'mail.json'))).mode & 0o777).toBe(0o600)
    mailbox = await startMailbox({ secret, file: join(folder, 'mail.json') })
    const messages = await list()
    expect(messages).toHaveLength(200)
    expect(messages[0]?.subject).toBe('mail 204')
  })

  it('begins empty where its file is damaged', async () => {
    await mailbox.close()
    await writeFile(join(folder, 'mail.json'), '[{"id":')
    mailbox = await startMailbox({ secret, file: join(folder, 'mail.json') })
    expect(await list()).toEqual([])
  })

  it('shows a page without script, with every text escaped', async () => {
    await post({ to: '<b>@example.com', subject: '<script>alert(1)</script>', text: `"'&</pre>` })
    const page = await fetch(mailbox.url)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const html = await page.text()
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(html).toContain('&quot;&#39;&amp;&lt;/pre&gt;')
    expect(html).not.toContain('<script')
  })

  it('shows a message as it looks, with its markup held to styles alone', async () => {
    const html = '<!doctype html><p style="color:red">Your code</p><script>alert(1)</script>'
    expect((await post({ ...mail, html })).status).toBe(201)
    const [message] = await list()
    expect(message).toMatchObject({ ...mail, html })
    const shown = await fetch(`${mailbox.url}/messages/${message?.id}`)
    expect(await shown.text()).toBe(html)
    expect(shown.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'unsafe-inline';.*sandbox$/,
    )
    expect(await (await fetch(mailbox.url)).text()).toContain(`href="/messages/${message?.id}"`)
    expect((await fetch(`${mailbox.url}/messages/other`)).status).toBe(404)
    expect((await post({ ...mail, html: 1 })).status).toBe(400)
  })

  it('answers requests for a loopback name only: another name may point here (DNS rebinding)', async () => {
    const status = await new Promise((resolve, reject) => {
      const options = { headers: { host: 'evil.example' } }
      request(`${mailbox.url}/api/messages`, options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })
    expect(status).toBe(403)
  })

  it('answers anything else with 404, and a taken port with one sentence', async () => {
    expect((await fetch(`${mailbox.url}/api/other`)).status).toBe(404)
    expect((await fetch(`${mailbox.url}/api/messages`, { method: 'DELETE' })).status).toBe(404)
    const port = Number(new URL(mailbox.url).port)
    await expect(startMailbox({ port, secret })).rejects.toThrow(PortRefused)
    await expect(startMailbox({ port, secret })).rejects.toThrow(`Port ${port}, wanted for the mailbox, is taken`)
  })
})
