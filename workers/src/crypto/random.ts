import { toBase64Url } from './encoding.ts'

// The only file that draws randomness: everything else is given what was drawn here (SECURITY §4).

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count))
}

/** base64url of `sizeBytes` random bytes: 16 give 22 characters, 32 give 43. */
export function randomBase64Url(sizeBytes: number): string {
  return toBase64Url(randomBytes(sizeBytes))
}

/** Unbiased characters of [0-9A-Za-z]. */
export function randomBase62(length: number): string {
  let value = ''
  while (value.length < length) {
    // 248 is the largest multiple of 62 below 256: bytes above it would favour the first characters.
    for (const byte of randomBytes(length)) if (byte < 248 && value.length < length) value += base62.charAt(byte % 62)
  }
  return value
}

/** Unbiased decimal digits, leading zeros kept. */
export function randomDigits(length: number): string {
  let value = ''
  while (value.length < length) {
    for (const byte of randomBytes(length)) if (byte < 250 && value.length < length) value += (byte % 10).toString()
  }
  return value
}

/** The one-time code of an e-mail sign-in: 8 digits (SECURITY §15). */
export function newEmailCode(): string {
  return randomDigits(8)
}

/** 128 bits in 22 characters. */
export function newConnectionId(): string {
  return randomBase64Url(16)
}

/** 128 bits in 22 characters. */
export function newTransactionId(): string {
  return randomBase64Url(16)
}

/** 128 bits in 22 characters. */
export function newDeviceId(): string {
  return randomBase64Url(16)
}

/** 256 bits in 43 characters: cookies, and the secret part of codes and refresh tokens. */
export function newSecret(): string {
  return randomBase64Url(32)
}

/** base62 only, because it is a Basic user name and may stand in a DNS record. */
export function newServerId(): string {
  return `srv_${randomBase62(22)}`
}

/** The part after the connection's id in a `jti`: 96 bits in 16 characters. */
export function newTokenNonce(): string {
  return randomBase64Url(12)
}

export function newRuleId(): string {
  return `rul_${randomBase62(12)}`
}

export function newPasskeyId(): string {
  return `pky_${randomBase62(12)}`
}

export function newWebhookId(): string {
  return `whk_${randomBase62(12)}`
}
