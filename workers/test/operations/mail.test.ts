import { listen } from 'auth-agent-mcp-local/src/http.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MailPlaces, mailChecks } from '../../operations/check-mail.ts'
import { runChecks } from '../../operations/findings.ts'
import type { Config } from '../../src/config.ts'

/** What Resend's API answers, recorded by the key that asks (https://resend.com/docs/api-reference/domains/list-domains). */
const recorded: Readonly<Record<string, readonly [status: number, body: unknown]>> = {
  re_good: [200, { object: 'list', data: [{ id: 'd1', name: 'mcp.example.com', status: 'verified' }] }],
  re_waiting: [200, { object: 'list', data: [{ id: 'd1', name: 'mcp.example.com', status: 'pending' }] }],
  re_other: [200, { object: 'list', data: [{ id: 'd1', name: 'other.example', status: 'verified' }] }],
  re_sending: [
    401,
    { statusCode: 401, name: 'restricted_api_key', message: 'This API key is restricted to only send emails' },
  ],
  re_wrong: [401, { statusCode: 401, name: 'validation_error', message: 'API key is invalid' }],
}

let resend: { url: string; close: () => Promise<void> }
beforeAll(async () => {
  resend = await listen(
    (request, response) => {
      const [status, body] = recorded[String(request.headers.authorization).replace('Bearer ', '')] ?? [500, {}]
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    },
    0,
    'Resend',
  )
})
afterAll(() => resend?.close())

const strict = 'v=DMARC1; p=reject; rua=mailto:d@example.com'

function findings(apiKey: string, policy: readonly string[] | Error = [strict]) {
  const email = { sender: 'resend', from: 'Sign-in <no-reply@mcp.example.com>', apiKey } as const
  const places: MailPlaces = {
    resendUrl: resend.url,
    resolveTxt: async (name) => {
      if (policy instanceof Error) throw policy
      return name === '_dmarc.mcp.example.com' ? policy : []
    },
  }
  return runChecks(mailChecks({ email } as Config, places))
}

const bad = async (...args: Parameters<typeof findings>) =>
  (await findings(...args)).filter(({ state }) => state !== 'good').map(({ state, text }) => `${state}: ${text}`)

describe('mail through Resend', () => {
  it.each([
    ['re_good', []],
    ['re_sending', []],
    ['re_waiting', ['bad: Resend has not verified mcp.example.com: it is pending']],
    ['re_other', ['bad: Resend does not send for mcp.example.com']],
    ['re_wrong', ['bad: RESEND_API_KEY is not accepted']],
    ['re_none', ['bad: Resend answers 500']],
  ])('%s: %j', async (apiKey, expected) => {
    expect(await bad(apiKey)).toEqual(expected)
  })

  it('M17 needs a DMARC policy that refuses what others send in our name', async () => {
    expect(await bad('re_good', [])).toEqual(['bad: mcp.example.com has no DMARC policy: anybody can send in its name'])
    expect(await bad('re_good', ['v=DMARC1; p=none'])).toEqual([
      'warning: the DMARC policy of mcp.example.com asks for nothing to be refused',
    ])
    expect(await bad('re_good', ['v=spf1 -all', 'v=DMARC1; p=quarantine'])).toEqual([])
    expect(await bad('re_good', new Error('no resolver'))).toEqual(['bad: it could not be looked at: no resolver'])
  })
})
