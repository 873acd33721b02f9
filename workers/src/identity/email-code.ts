import { newEmailCode } from '../crypto/random.ts'

/** A code of 8 digits sent to the address that is to be proven (SECURITY §15). */
export type EmailCodeMethod = {
  readonly kind: 'email_code'
  readonly newCode: () => string
  /** The digits of what a person typed or pasted, or undefined when it cannot be a code. */
  readonly readCode: (typed: string) => string | undefined
}

export function emailCodeMethod(): EmailCodeMethod {
  return { kind: 'email_code', newCode: newEmailCode, readCode: readEmailCode }
}

/** Mail programs and people put spaces and hyphens between the digits; nothing else is forgiven. */
export function readEmailCode(typed: string): string | undefined {
  const digits = typed.replaceAll(/[\s-]/g, '')
  return /^[0-9]{8}$/.test(digits) ? digits : undefined
}
