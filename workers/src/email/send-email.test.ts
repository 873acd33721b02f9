import { afterEach, describe, expect, it, vi } from 'vitest'
import { resendSender } from './resend.ts'
import { EmailNotSent, type SendEmail } from './send-email.ts'
import { webhookSender } from './webhook.ts'

const message = { to: 'ada@example.org', subject: 'Your sign-in code', text: 'text' }
const resend = resendSender({ apiKey: 're_secret', from: 'Auth-Agent <no-reply@example.com>' })
const webhook = webhookSender({ url: 'https://mail.example.com/in', secret: 'webhook-secret' })

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Answers every request with this, and shows the first. */
async function sent(send: SendEmail, answer: Response | Error) {
  const asked = vi.fn<typeof fetch>(() => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)))
  vi.stubGlobal('fetch', asked)
  const failure: unknown = await send(message).catch((error: unknown) => error)
  const [url, init] = asked.mock.calls[0] ?? []
  return { url, init, body: JSON.parse(String(init?.body)) as unknown, failure }
}

describe('Resend', () => {
  it('gets sender, recipient, subject and plain text, with its key', async () => {
    const { url, init, body } = await sent(resend, new Response('{}'))
    expect(url).toBe('https://api.resend.com/emails')
    expect(new Headers(init?.headers).get('authorization')).toBe('Bearer re_secret')
    expect(body).toEqual({ ...message, to: ['ada@example.org'], from: 'Auth-Agent <no-reply@example.com>' })
  })
})

describe('the webhook', () => {
  it('gets recipient, subject and plain text, with its secret', async () => {
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
