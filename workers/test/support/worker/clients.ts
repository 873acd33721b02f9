import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { onTestFinished, vi } from 'vitest'
import { s256 } from '../../../src/crypto/pkce.ts'
import { randomBase64Url } from '../../../src/crypto/random.ts'
import { authorizeUrl, redirectUri } from '../../worker/requests.ts'
import { meetVisitor, type Answer as PageAnswer, type Visitor } from '../../worker/visitor.ts'
import { hostJson, hostUrl } from './document-host.ts'
import { type Grant, house, type Owner, openServer } from './flow.ts'
import { type House, openHouse } from './house.ts'

export type Json = Readonly<Record<string, unknown>>

const LIMITS = '{"document_calls_per_host":1000,"document_failures_per_host":1000,"document_milliseconds":60000}'

/** A deployment that reads documents from loopback hosts: the development switch. */
export const development = { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS } as const

export const openDevelopment = (): House => openHouse({ variables: development })

/** A path of a test's own on the strangers' host. */
export const newPath = (): string => `/${crypto.randomUUID()}.json`

/** Puts a metadata document on the strangers' host, and gives its URL: the client_id. */
export async function publish(
  document: Json = {},
  path = newPath(),
  headers: Record<string, string> = {},
): Promise<string> {
  const client_id = hostUrl(path)
  const usual = { client_id, client_name: 'Desktop tool', redirect_uris: [redirectUri] }
  await hostJson(path, { ...usual, ...document }, headers)
  return client_id
}

export type Connecting = {
  readonly consent: PageAnswer
  readonly grant: Grant
  readonly owner: Owner
}

/** A new person, or the given one, approves the client at a server; all scopes ticked. */
export async function connectBy(client_id: string, visitor: Visitor = meetVisitor(development)): Promise<Connecting> {
  const owner = await openServer()
  const verifier = randomBase64Url(32)
  const fields = { client_id, resource: owner.server_url, code_challenge: await s256(verifier) }
  const page = await visitor.open(authorizeUrl(fields))
  const consent = page.text.includes('name="decision"') ? page : await visitor.signIn(page)
  const scope = ['files:read', 'files:write']
  const answer = await visitor.submit(consent, '/consent', { decision: 'approve', scope })
  const code = answer.location?.searchParams.get('code') ?? ''
  return { consent, grant: { code, verifier, visitor }, owner }
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000)

/**
 * Stops the clock of the Worker until the test ends, and lets time pass where the test says so: however long the machine takes,
 * 59 seconds are 59 seconds. The database has a clock of its own.
 */
export function stopClock(): { readonly pass: (seconds: number) => void } {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  return { pass: (seconds) => void vi.setSystemTime(Date.now() + seconds * 1000) }
}

export type Signer = {
  readonly jwk: JWK
  readonly privateKey: CryptoKey
  /** An assertion that is right in everything but the given claims and header members. */
  readonly assert: (client_id: string, claims?: Json, header?: Json) => Promise<string>
}

/** A key of a client's, and what it signs (RFC 7523 §3). */
export async function newSigner(alg = 'ES256', kid: string = crypto.randomUUID()): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const assert: Signer['assert'] = (client_id, claims = {}, header = {}) => {
    const usual = {
      iss: client_id,
      sub: client_id,
      aud: house.issuer,
      jti: randomBase64Url(16),
      exp: nowSeconds() + 60,
    }
    return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg, kid, ...header }).sign(privateKey)
  }
  return { jwk: { ...(await exportJWK(publicKey)), kid }, privateKey, assert }
}

const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The two parameters that carry an assertion. */
export const proof = (client_assertion: string) => ({ client_assertion, client_assertion_type })
