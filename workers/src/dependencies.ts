import type { Config, EmailSettings } from './config.ts'
import { createSigningKeys, type SigningKeys } from './crypto/signing-keys.ts'
import { resendSender } from './email/resend.ts'
import type { SendEmail } from './email/send-email.ts'
import { webhookSender } from './email/webhook.ts'
import { type Log, logToConsole } from './http/log.ts'
import { emailCodeMethod } from './identity/email-code.ts'
import type { SignInMethod } from './identity/sign-in-method.ts'
import { createStore, type Store } from './store/client.ts'

export type Dependencies = {
  readonly config: Config
  readonly store: Store
  readonly signIn: SignInMethod
  readonly sendEmail: SendEmail
  readonly keys: SigningKeys
  /** Milliseconds since the epoch. What expires is decided by the database's clock, not by this one. */
  readonly clock: () => number
  readonly log: Log
}

/** Above the database's own statement timeout of 3 s, so that its answer is heard. */
const databaseTimeoutMs = 5_000

/** The only choice of implementations (ARCHITECTURE.md, The house). */
export function chooseDependencies(config: Config): Dependencies {
  return {
    config,
    store: createStore({ ...config.supabase, timeoutMs: databaseTimeoutMs }),
    signIn: emailCodeMethod(),
    sendEmail: emailSender(config.email),
    keys: createSigningKeys(config.signingKeys),
    clock: Date.now,
    log: logToConsole,
  }
}

function emailSender(settings: EmailSettings): SendEmail {
  return settings.sender === 'resend' ? resendSender(settings) : webhookSender(settings)
}
