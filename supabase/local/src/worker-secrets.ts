import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'

/** The Worker's own secrets, by the names its configuration has for them. */
export type WorkerSecrets = Readonly<Record<SecretName, string>>

export type SecretName = (typeof secretNames)[number]

export const secretNames = [
  'TOKEN_PEPPERS',
  'COOKIE_KEYS',
  'SIGNING_KEYS',
  'REGISTRATION_KEYS',
  'EMAIL_WEBHOOK_SECRET',
] as const

/** Makes new random secrets, each for itself. */
export async function makeWorkerSecrets(): Promise<WorkerSecrets> {
  return {
    TOKEN_PEPPERS: keyWithId(),
    COOKIE_KEYS: keyWithId(),
    SIGNING_KEYS: JSON.stringify([await signingKey()]),
    REGISTRATION_KEYS: keyWithId(),
    EMAIL_WEBHOOK_SECRET: randomBytes(32).toString('base64url'),
  }
}

/** A new random key in the form of the Worker's variables. */
export function keyWithId(kid: string = keyId()): string {
  return `${kid}:${randomBytes(32).toString('base64url')}`
}

export async function signingKey(kid: string = keyId()): Promise<Record<string, unknown>> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: 'ES256' }
}

export function keyId(): string {
  return randomBytes(6).toString('hex')
}
