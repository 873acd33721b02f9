import type { EmailCodeMethod } from './email-code.ts'

/**
 * One way for a person to show who they are. Each kind is a member of this union with a literal `kind`, and brings
 * only what is its own: how a challenge is made and how an answer is read. Limits, attempts and the session belong to
 * the database function of that kind, so that no method can forget them.
 */
export type SignInMethod = EmailCodeMethod
