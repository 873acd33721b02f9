import { toBase64Url, utf8 } from '../../../src/crypto/encoding.ts'
import { randomBytes } from '../../../src/crypto/random.ts'
import { type Answer, attribute, issuer } from '../../worker/visitor.ts'

// An authenticator and the browser in front of it, in software (WebAuthn Level 3 §5.8.1, §6.1, §6.5), so that a test can also
// have one that lies. The real one of a browser is used by the tests in Chromium.

export type PasskeyOptions = {
  readonly challenge: string
  readonly rp?: { readonly id: string }
  readonly rpId?: string
  readonly user?: { readonly id: string }
}

/** What may be wrong with an answer. */
export type Lie = {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly type?: string
  readonly userHandle?: string
  readonly id?: string
  /** User present 1, user verified 4, backup eligible 8, backed up 16, credential data 64. */
  readonly flags?: number
  readonly counter?: number
}

export type Authenticator = {
  readonly id: string
  readonly create: (options: PasskeyOptions, lie?: Lie) => Promise<string>
  readonly get: (options: PasskeyOptions, lie?: Lie) => Promise<string>
}

const present = 1
const verified = 4
const eligible = 8
const credentialData = 64

const concatenate = (...parts: readonly Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]))
const cborText = (text: string) => concatenate(Uint8Array.of(0x60 + text.length), utf8(text))
const cborBytes = (bytes: Uint8Array) => concatenate(Uint8Array.of(0x59, bytes.length >> 8, bytes.length & 255), bytes)
const sha256 = async (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))

/** ECDSA as WebCrypto gives it, in the form that authenticators send (RFC 3279 §2.2.3). */
function derSignature(raw: Uint8Array): Uint8Array {
  const integers = [raw.slice(0, 32), raw.slice(32)].map((bytes) => {
    const start = bytes.findIndex((byte) => byte !== 0)
    const short = bytes.slice(start)
    const value = (short[0] ?? 0) > 127 ? concatenate(Uint8Array.of(0), short) : short
    return concatenate(Uint8Array.of(2, value.length), value)
  })
  const body = concatenate(...integers)
  return concatenate(Uint8Array.of(0x30, body.length), body)
}

async function coseKey(key: CryptoKey): Promise<Uint8Array> {
  const point = new Uint8Array((await crypto.subtle.exportKey('raw', key)) as ArrayBuffer)
  const [x, y] = [point.slice(1, 33), point.slice(33)]
  const head = Uint8Array.of(0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20)
  return concatenate(head, x, Uint8Array.of(0x22, 0x58, 0x20), y)
}

function clientData(options: PasskeyOptions, type: string, lie: Lie): Uint8Array<ArrayBuffer> {
  const { challenge = options.challenge, origin = issuer } = lie
  return utf8(JSON.stringify({ type: lie.type ?? type, challenge, origin, crossOrigin: false }))
}

async function authenticatorData(options: PasskeyOptions, flags: number, lie: Lie): Promise<Uint8Array<ArrayBuffer>> {
  const counter = new Uint8Array(4)
  new DataView(counter.buffer).setUint32(0, lie.counter ?? 0)
  const rpId = lie.rpId ?? options.rp?.id ?? options.rpId ?? ''
  return concatenate(await sha256(utf8(rpId)), Uint8Array.of(lie.flags ?? flags), counter)
}

/** A new authenticator with one key, which remembers for whom it was made. */
export async function newAuthenticator(): Promise<Authenticator> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const rawId = randomBytes(16)
  const id = toBase64Url(rawId)
  let userHandle = ''
  const answer = (response: Record<string, unknown>, lie: Lie) =>
    JSON.stringify({ id: lie.id ?? id, rawId: lie.id ?? id, type: 'public-key', response, clientExtensionResults: {} })
  const create: Authenticator['create'] = async (options, lie = {}) => {
    userHandle = options.user?.id ?? ''
    const data = await authenticatorData(options, present | verified | eligible | credentialData, lie)
    const attested = concatenate(
      new Uint8Array(16),
      Uint8Array.of(0, rawId.length),
      rawId,
      await coseKey(keys.publicKey),
    )
    const attestationObject = concatenate(
      ...[Uint8Array.of(0xa3), cborText('fmt'), cborText('none'), cborText('attStmt'), Uint8Array.of(0xa0)],
      ...[cborText('authData'), cborBytes(concatenate(data, attested))],
    )
    const clientDataJSON = clientData(options, 'webauthn.create', lie)
    const response = {
      clientDataJSON: toBase64Url(clientDataJSON),
      attestationObject: toBase64Url(attestationObject),
      transports: ['internal'],
    }
    return answer(response, lie)
  }
  const get: Authenticator['get'] = async (options, lie = {}) => {
    const data = await authenticatorData(options, present | verified | eligible, lie)
    const clientDataJSON = clientData(options, 'webauthn.get', lie)
    const signed = concatenate(data, await sha256(clientDataJSON))
    const raw = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, keys.privateKey, signed)
    const response = {
      clientDataJSON: toBase64Url(clientDataJSON),
      authenticatorData: toBase64Url(data),
      signature: toBase64Url(derSignature(new Uint8Array(raw))),
      userHandle: lie.userHandle ?? userHandle,
    }
    return answer(response, lie)
  }
  return { id, create, get }
}

/** What a page asks of passkeys. */
export function askedOf(page: Answer): PasskeyOptions {
  const form = /<form[^>]*data-passkey[^>]*>/.exec(page.text)?.[0]
  if (form === undefined) throw new Error(`status ${page.status}: the page asks for no passkey`)
  return JSON.parse(attribute(form, 'data-options') ?? '') as PasskeyOptions
}
