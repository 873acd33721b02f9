import { deriveKey } from './digest.ts'
import { fromBytea, toBytea, utf8 } from './encoding.ts'
import { randomBytes } from './random.ts'

const ivSizeBytes = 12

async function successorKey(presentedToken: string): Promise<CryptoKey> {
  const key = await deriveKey(utf8(presentedToken), 'refresh successor')
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

/**
 * Encrypts a refresh token's successor so that only the holder of the predecessor can read it (SECURITY §18): the row
 * alone cannot yield a token.
 * @returns iv and ciphertext as a bytea
 */
export async function sealSuccessor(presentedToken: string, successor: string): Promise<string> {
  // A random iv, because parallel callers encrypt different candidates under the same key.
  const iv = randomBytes(ivSizeBytes)
  const key = await successorKey(presentedToken)
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, utf8(successor)))
  const bytes = new Uint8Array(ivSizeBytes + sealed.length)
  bytes.set(iv)
  bytes.set(sealed, ivSizeBytes)
  return toBytea(bytes)
}

/**
 * Reads what {@link sealSuccessor} wrote under the same predecessor.
 * @throws Error when the ciphertext is not of this predecessor, which is a defect and not a refusal
 */
export async function openSuccessor(presentedToken: string, ciphertext: string): Promise<string> {
  const bytes = fromBytea(ciphertext)
  if (bytes === undefined || bytes.length <= ivSizeBytes) throw new Error('the stored successor is not a ciphertext')
  const key = await successorKey(presentedToken)
  const parameters = { name: 'AES-GCM', iv: bytes.slice(0, ivSizeBytes) }
  return new TextDecoder().decode(await crypto.subtle.decrypt(parameters, key, bytes.slice(ivSizeBytes)))
}
