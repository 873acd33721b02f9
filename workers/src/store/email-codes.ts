import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { absent, type KnownDevice, limited, outcome, type RequestFacts, transactionGone } from './rows.ts'

/** SECURITY "Limits"; `per_ip_hour` is null where per-address limits are off (loopback issuer). */
export type EmailCodeLimits = {
  readonly per_address_15_minutes: number
  readonly per_address_day: number
  readonly per_ip_hour: number | null
  readonly code_seconds: number
  readonly attempts: number
  readonly failures_per_account_day: number
}

export type SendEmailCodeArguments = {
  readonly p_transaction_id: string
  readonly p_browser_digests: readonly string[]
  readonly p_email: string
  readonly p_code_digest: string
  readonly p_kid: string
  readonly p_limits: EmailCodeLimits
  /** null: nobody with this address has signed in on this device before. */
  readonly p_device: KnownDevice | null
  readonly p_ip: string | null
  readonly p_request: RequestFacts
}

const sendEmailCodeOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('sent'),
    email: z.string(),
    expires_at_seconds: z.number(),
    server_host: absent(z.string()),
  }),
  z.object({ outcome: z.literal('suppressed'), email: z.string() }),
  outcome('switched_off'),
  transactionGone,
])
export type SendEmailCodeOutcome = z.infer<typeof sendEmailCodeOutcome>

export function sendEmailCode(store: Store, args: SendEmailCodeArguments): Promise<SendEmailCodeOutcome> {
  return callFor(store, 'send_email_code', args, sendEmailCodeOutcome)
}

export type SessionLifetimes = { readonly session_idle_seconds: number; readonly session_absolute_seconds: number }

export type VerifyEmailCodeArguments = {
  readonly p_transaction_id: string
  readonly p_browser_digests: readonly string[]
  readonly p_code_digests: readonly string[]
  readonly p_old_session_digests: readonly string[]
  readonly p_session_digest: string
  readonly p_kid: string
  readonly p_lifetimes: SessionLifetimes
  readonly p_limits: EmailCodeLimits
  readonly p_request: RequestFacts
}

const verifyEmailCodeOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('verified'),
    account_id: z.string(),
    email: z.string(),
    auth_time_seconds: z.number(),
    /** Where the sign-in leads when it was for one of our own pages. */
    page: absent(z.string()),
    /** Of the account elsewhere that this code has linked. */
    linked_issuer: absent(z.string()),
    /** Device cookies that were signed before are those of strangers. */
    devices_forgotten_at_seconds: absent(z.number()),
  }),
  z.object({ outcome: z.literal('wrong'), attempts_left: z.number() }),
  outcome('exhausted'),
  outcome('expired'),
  outcome('not_sent'),
  limited,
  outcome('account_disabled'),
  outcome('switched_off'),
  transactionGone,
])
export type VerifyEmailCodeOutcome = z.infer<typeof verifyEmailCodeOutcome>

export function verifyEmailCode(store: Store, args: VerifyEmailCodeArguments): Promise<VerifyEmailCodeOutcome> {
  return callFor(store, 'verify_email_code', args, verifyEmailCodeOutcome)
}
