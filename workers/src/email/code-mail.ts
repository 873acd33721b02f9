import type { EmailMessage } from './send-email.ts'

/** The sentences of the mail; `{places}` are filled here. */
export type CodeMailText = {
  readonly subject: string
  readonly code: string
  readonly purpose: string
  readonly warning: string
  readonly not_you: string
}

export type CodeMailFacts = {
  readonly to: string
  readonly code: string
  readonly minutes: number
  readonly issuerHost: string
  readonly serverHost: string | undefined
}

/**
 * The mail with a sign-in code (SECURITY §16). It names our host and the server's, because those are proven, and
 * nothing that a program chose: no name, no link. The subject has no digits, so that a locked screen shows no code.
 */
export function codeMail(text: CodeMailText, facts: CodeMailFacts): EmailMessage {
  const values: Readonly<Record<string, string>> = {
    code: facts.code,
    minutes: facts.minutes.toString(),
    issuer_host: facts.issuerHost,
    server_host: facts.serverHost ?? '',
  }
  const purpose = facts.serverHost === undefined ? [] : [text.purpose]
  const paragraphs = [text.code, ...purpose, text.warning, text.not_you]
  const filled = paragraphs.map((paragraph) =>
    paragraph.replace(/\{(\w+)\}/g, (_place, name: string) => values[name] ?? ''),
  )
  return { to: facts.to, subject: text.subject, text: `${filled.join('\n\n')}\n` }
}
