import { createHmac, createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, sign } from 'node:crypto'

export type Keys = Record<string, JsonWebKey>

/** How a case describes a token: members laid over the default ones, null takes one away. */
export type TokenParts = {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  /** The payload as it is, instead of claims. */
  payload: string
  /** A key of defaults.json, or one of the ways to forge. */
  signed_with: string
  /** What was signed, where that is not what is sent. */
  signed_as: Partial<TokenParts>
}

export function signToken(parts: Partial<TokenParts>, standard: Pick<TokenParts, 'header' | 'claims'>, keys: Keys) {
  const write = ({ header = {}, claims = {}, payload }: Partial<TokenParts>) =>
    [JSON.stringify(lay(standard.header, header)), payload ?? JSON.stringify(lay(standard.claims, claims))]
      .map((text) => Buffer.from(text).toString('base64url'))
      .join('.')
  const signature = makeSignature(write({ ...parts, ...parts.signed_as }), parts.signed_with ?? 'k1', keys)
  return `${write(parts)}.${signature.toString('base64url')}`
}

/** Members laid over others; null takes one away. */
export function lay(standard: object, over: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...standard, ...over }).filter(([, value]) => value !== null))
}

function makeSignature(text: string, signedWith: string, keys: Keys): Buffer {
  switch (signedWith) {
    case 'nothing':
      return Buffer.alloc(0)
    case 'zeros':
      return Buffer.alloc(64)
    case 'public_key_as_secret': {
      const pem = createPublicKey(privateKey('k1', keys)).export({ type: 'spki', format: 'pem' })
      return createHmac('sha256', pem).update(text).digest()
    }
    default:
      return sign('sha256', Buffer.from(text), { key: privateKey(signedWith, keys), dsaEncoding: 'ieee-p1363' })
  }
}

function privateKey(name: string, keys: Keys): KeyObject {
  const key = keys[name]
  if (key === undefined) throw new Error(`there is no key ${name}`)
  return createPrivateKey({ key, format: 'jwk' })
}
