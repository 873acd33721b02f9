import { describe, expect, it, vi } from 'vitest'
import { cloudflareSender, type EmailBinding } from './cloudflare.ts'
import { resendSender } from './resend.ts'
import { EmailNotSent, type SendEmail } from './send-email.ts'
import { webhookSender } from './webhook.ts'

const message = { to: 'ada@example.org', subject: 'Your sign-in code', text: 'text', html: '<p>text</p>' }
let carrier: typeof fetch
const fetchUrl: typeof fetch = (input, init) => carrier(input, init)
const resend = resendSender({ apiKey: 're_secret', from: 'Auth-Agent <no-reply@example.com>', fetchUrl })
const webhook = webhookSender({ url: 'https://mail.example.com/in', secret: 'webhook-secret', fetchUrl })

/** Answers every request with this, and shows the first. */
async function sent(send: SendEmail, answer: Response | Error) {
  const asked = vi.fn<typeof fetch>(() => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)))
  carrier = asked
  const failure: unknown = await send(message).catch((error: unknown) => error)
  const [url, init] = asked.mock.calls[0] ?? []
  return { url, init, body: JSON.parse(String(init?.body)) as unknown, failure }
}

describe('Resend', () => {
  it('gets sender, recipient, subject and both parts, with its key', async () => {
    const { url, init, body } = await sent(resend, new Response('{}'))
    expect(url).toBe('https://api.resend.com/emails')
    expect(new Headers(init?.headers).get('authorization')).toBe('Bearer re_secret')
    expect(body).toEqual({ ...message, to: ['ada@example.org'], from: 'Auth-Agent <no-reply@example.com>' })
  })
})

describe('Cloudflare’s e-mail binding', () => {
  // The binding as @cloudflare/workers-types has it is one that we can use: this does not compile otherwise.
  const asTyped = (binding: globalThis.SendEmail): EmailBinding => binding

  it('gets sender, recipient, subject and both parts, and nothing else', async () => {
    const send = vi.fn(() => Promise.resolve({ messageId: '<id@example.com>' }))
    await cloudflareSender({ from: 'Auth-Agent <no-reply@example.com>', binding: asTyped({ send }) })(message)
    expect(send.mock.calls).toEqual([[{ ...message, from: { name: 'Auth-Agent', email: 'no-reply@example.com' } }]])
  })

  it('C15 tells the code of a refusal and nothing of its text, which names the recipient', async () => {
    const refusal = Object.assign(new Error('ada@example.org is not allowed'), { code: 'E_RECIPIENT_NOT_ALLOWED' })
    const binding = { send: () => Promise.reject(refusal) }
    const failure: unknown = await cloudflareSender({ from: 'a@b.example', binding })(message).catch((error) => error)
    expect(String(failure)).toBe('EmailNotSent: Cloudflare did not take the mail: E_RECIPIENT_NOT_ALLOWED')
  })
})

describe('the webhook', () => {
  it('gets recipient, subject and both parts, with its secret', async () => {
    const { url, init, body } = await sent(webhook, new Response(null, { status: 204 }))
    expect(url).toBe('https://mail.example.com/in')
    expect(new Headers(init?.headers).get('authorization')).toBe('Bearer webhook-secret')
    expect(body).toEqual(message)
  })
})

describe.each([
  ['Resend', resend],
  ['the webhook', webhook],
])('%s', (_name, send) => {
  it('is not followed to another place, because the request holds a credential', async () => {
    const { init, failure } = await sent(send, new Response(null, { status: 307, headers: { location: 'https://x' } }))
    expect(init?.redirect).toBe('manual')
    expect(failure).toBeInstanceOf(EmailNotSent)
  })

  it.each([new Response('no', { status: 500 }), new TypeError('fetch failed')])(
    'C15 has no address and no code in the error of a mail that was not taken',
    async (answer) => {
      const { failure } = await sent(send, answer)
      expect(failure).toBeInstanceOf(EmailNotSent)
      expect(String(failure)).not.toMatch(/ada|\d{8}/)
    },
  )
})
