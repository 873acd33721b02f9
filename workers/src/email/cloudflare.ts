import { EmailNotSent, type SendEmail } from './send-email.ts'

/** What we use of Cloudflare's e-mail binding (`send_email` in wrangler.jsonc): the form that needs no MIME of ours. */
export type EmailBinding = {
  readonly send: (message: {
    readonly from: string | { readonly name: string; readonly email: string }
    readonly to: string
    readonly subject: string
    readonly text: string
    readonly html: string
  }) => Promise<unknown>
}

export type CloudflareSettings = { readonly from: string; readonly binding: EmailBinding }

/** `Name <address>` in its parts, as the binding wants them; an address alone stays one. */
function senderOf(from: string): string | { name: string; email: string } {
  const [, name, email] = /^\s*(.*?)\s*<([^<>]+)>\s*$/.exec(from) ?? []
  if (name === undefined || email === undefined) return from.trim()
  return name === '' ? email : { name: name.replace(/^"(.*)"$/, '$1'), email }
}

/** Sends through Cloudflare's own binding: no key, no request to anybody else. */
export function cloudflareSender({ from, binding }: CloudflareSettings): SendEmail {
  const sender = senderOf(from)
  return async ({ to, ...parts }) => {
    await binding.send({ from: sender, to, ...parts }).catch((cause: unknown) => {
      // Its messages name the recipient, so none goes on (SECURITY §29); its codes do not.
      throw new EmailNotSent(`Cloudflare did not take the mail${codeOf(cause)}`)
    })
  }
}

function codeOf(cause: unknown): string {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && /^[A-Z_0-9]{1,64}$/.test(code) ? `: ${code}` : ''
}
