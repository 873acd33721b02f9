import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { randomBase64Url } from '../../../src/crypto/random.ts'
import type { Hosted } from './row.ts'

/** What strangers host while a row is played; everything else is fetched as ever. */
const answers = new Map<string, () => Response>()

const usualFetch = globalThis.fetch
globalThis.fetch = async (input, init) => {
  const url = input instanceof Request ? input.url : String(input)
  return answers.get(url)?.() ?? usualFetch(input, init)
}

/** The key pair of a client that signs, as ChatGPT does: RS256, and the public half under its `jwks_uri`. */
export async function makeSigner(issuer: string) {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'cimd-1', alg: 'RS256', use: 'sig' }] }
  const assert = (client_id: string) => {
    const nowSeconds = Math.floor(Date.now() / 1000)
    const claims = { iss: client_id, sub: client_id, aud: issuer, jti: randomBase64Url(16) }
    const times = { iat: nowSeconds, exp: nowSeconds + 60 }
    return new SignJWT({ ...claims, ...times }).setProtectedHeader({ alg: 'RS256', kid: 'cimd-1' }).sign(privateKey)
  }
  return { keys, assert }
}

/** Hosts documents until the given work is done. */
export async function whileHosting(hosted: readonly Hosted[], keys: object, work: () => Promise<void>): Promise<void> {
  for (const { url, type, status, body } of hosted) {
    const text = JSON.stringify(body === '{keys}' ? keys : body)
    const headers = { 'content-type': type ?? 'application/json' }
    answers.set(url, () => new Response(text, { status: status ?? 200, headers }))
  }
  try {
    await work()
  } finally {
    for (const { url } of hosted) answers.delete(url)
  }
}
