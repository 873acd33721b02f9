import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { digestToStore, emailCodeValue, type StoredDigest } from '../crypto/digest.ts'
import { codeMail } from '../pages/mails.ts'
import { mailLater } from './mail-later.ts'
import { frameOf } from './transaction-pages.tsx'

/** A code for this transaction, and what is kept of it. */
export type NewEmailCode = { readonly code: string; readonly stored: StoredDigest }

export async function newEmailCodeFor(c: Context<AppEnv>, transaction: string): Promise<NewEmailCode> {
  const code = c.var.signIn.newCode()
  return {
    code,
    stored: await digestToStore(c.var.config.tokenPeppers, 'email_code', emailCodeValue(transaction, code)),
  }
}

type Sent = { readonly email: string; readonly server_host: string | undefined }

export function mailCode(c: Context<AppEnv>, code: string, { email, server_host }: Sent): void {
  const minutes = Math.floor(c.var.config.limits.code_seconds / 60)
  mailLater(c, email, codeMail(frameOf(c), { code, minutes, serverHost: server_host }))
}
