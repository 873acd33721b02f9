import type { EmailBinding } from './email/cloudflare.ts'

/**
 * How this Worker reaches others. Strangers' URLs go over the Worker's own outbound network, which is to be public only; the
 * database and the carrier of mail may be elsewhere and then have a service binding of their own (SECURITY §25).
 */
export type Network = {
  readonly toStrangers: typeof fetch
  readonly toDatabase: typeof fetch
  readonly toMail: typeof fetch
  /** Cloudflare's e-mail binding EMAIL, where the deployment has it. */
  readonly emailBinding?: EmailBinding
}

// Functions of their own, because workerd's fetch must not be called as a method of something else.
const overTheInternet: typeof fetch = (input, init) => fetch(input, init)

function isService(binding: unknown): binding is { fetch: typeof fetch } {
  return typeof binding === 'object' && binding !== null && 'fetch' in binding && typeof binding.fetch === 'function'
}

function through(binding: unknown): typeof fetch {
  return isService(binding) ? (input, init) => binding.fetch(input, init) : overTheInternet
}

function isEmailBinding(binding: unknown): binding is EmailBinding {
  return typeof binding === 'object' && binding !== null && 'send' in binding && typeof binding.send === 'function'
}

/** The service bindings DATABASE and MAIL where the deployment has them, else the Internet. */
export function chooseNetwork(bindings: Readonly<Record<string, unknown>>): Network {
  const { DATABASE, MAIL, EMAIL } = bindings
  return {
    toStrangers: overTheInternet,
    toDatabase: through(DATABASE),
    toMail: through(MAIL),
    ...(isEmailBinding(EMAIL) && { emailBinding: EMAIL }),
  }
}
