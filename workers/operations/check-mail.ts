import { Resolver } from 'node:dns/promises'
import * as z from 'zod/mini'
import type { Config } from '../src/config.ts'
import { type Check, type Problem, problem } from './findings.ts'
import { look } from './live-issuer.ts'

/** Where checks ask; tests bring their own. */
export type MailPlaces = {
  readonly resendUrl: string
  readonly resolveTxt: (name: string) => Promise<readonly string[]>
}

/** Joins the pieces of each record; a name without any has an empty list. */
export function systemResolver(): MailPlaces['resolveTxt'] {
  const resolver = new Resolver({ timeout: 5_000, tries: 2 })
  return async (name) => {
    try {
      return (await resolver.resolveTxt(name)).map((pieces) => pieces.join(''))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'ENOTFOUND' || code === 'ENODATA') return []
      throw error
    }
  }
}

export const usualPlaces = (): MailPlaces => ({ resendUrl: 'https://api.resend.com', resolveTxt: systemResolver() })

const domains = z.object({ data: z.array(z.object({ name: z.string(), status: z.string() })) })

function domainOf(from: string): string {
  return /@([^>\s]+)>?\s*$/.exec(from)?.[1]?.toLowerCase() ?? ''
}

async function resendProblems(from: string, apiKey: string, { resendUrl }: MailPlaces): Promise<readonly Problem[]> {
  const { status, json, text } = await look(`${resendUrl}/domains`, { headers: { authorization: `Bearer ${apiKey}` } })
  if (status === 401 && text.includes('restricted_api_key')) return []
  if (status === 401 || status === 403)
    return [problem.bad('RESEND_API_KEY is not accepted', 'Make a new key for sending at Resend.')]
  const read = domains.safeParse(json)
  if (status !== 200 || !read.success) return [problem.bad(`Resend answers ${status}`)]
  const domain = domainOf(from)
  const own = read.data.data.find(({ name }) => domain === name || domain.endsWith(`.${name}`))
  if (own === undefined) return [problem.bad(`Resend does not send for ${domain}`, 'Add the domain at Resend.')]
  return own.status === 'verified' ? [] : [problem.bad(`Resend has not verified ${own.name}: it is ${own.status}`)]
}

/** Whoever may send in our name can ask for codes in our name (M17). */
async function nameProblems(from: string, { resolveTxt }: MailPlaces): Promise<readonly Problem[]> {
  const domain = domainOf(from)
  const policies = (await resolveTxt(`_dmarc.${domain}`)).filter((record) => /^v=DMARC1\b/i.test(record))
  const mend = `Publish TXT _dmarc.${domain} "v=DMARC1; p=reject" once SPF and DKIM of the sender are in place.`
  if (policies.length === 0) return [problem.bad(`${domain} has no DMARC policy: anybody can send in its name`, mend)]
  const isStrict = policies.some((record) => /;\s*p\s*=\s*(?:reject|quarantine)\b/i.test(record))
  return isStrict ? [] : [problem.warning(`the DMARC policy of ${domain} asks for nothing to be refused`, mend)]
}

/** A webhook is only knocked at: a mail to nobody would be somebody's. */
async function webhookProblems(url: string): Promise<readonly Problem[]> {
  const { status } = await look(url, { method: 'HEAD' })
  return status < 500 ? [] : [problem.bad(`EMAIL_WEBHOOK_URL answers ${status}`)]
}

export function mailChecks(config: Config | undefined, places: MailPlaces): readonly Check[] {
  const mend = 'Look at EMAIL_SENDER and what belongs to it in docs/configuration.md.'
  if (config === undefined) {
    return [{ name: 'mail', mend, run: async () => [problem.skipped('needs a whole configuration')] }]
  }
  const { email } = config
  if (email.sender === 'webhook') return [{ name: 'mail', mend, run: () => webhookProblems(email.url) }]
  const inOurName = { name: 'mail in our name', mend, run: () => nameProblems(email.from, places) }
  // Whether a binding is set up, Cloudflare says when it is deployed.
  if (email.sender === 'cloudflare') return [inOurName]
  return [{ name: 'mail', mend, run: () => resendProblems(email.from, email.apiKey, places) }, inOurName]
}
