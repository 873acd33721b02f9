import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { toBase64Url, utf8 } from '../../../src/crypto/encoding.ts'
import { authorizeUrl } from '../../worker/requests.ts'
import { type Answer, meetVisitor, type Variables, type Visitor } from '../../worker/visitor.ts'
import { development, nowSeconds } from './clients.ts'
import { hostJson, hostUrl } from './document-host.ts'

// A provider whose every answer a test writes, also such as no provider gives. Real ones are used by the tests in Chromium.

export type Told = {
  readonly claims?: Record<string, unknown>
  readonly alg?: string
  readonly key?: CryptoKey | Uint8Array
  readonly metadata?: Record<string, unknown>
  readonly tokens?: Record<string, unknown>
  readonly userinfo?: Record<string, unknown>
  /** Parameters of the answer that the browser carries; undefined leaves one out. */
  readonly answer?: Record<string, string | undefined>
}

export type Provider = {
  readonly issuer: string
  readonly variables: Variables
  readonly key: CryptoKey
  readonly subject: string
}

const client_id = 'our-client'
const access_token = 'an-access-token'

/** A provider of a test's own, with one person. */
export async function openProvider(row: Record<string, unknown> = {}): Promise<Provider> {
  const path = `/${crypto.randomUUID()}`
  const issuer = hostUrl(path)
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  await hostJson(`${path}/jwks`, { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] })
  const rows = [{ id: 'acme', name: 'Acme', issuer, client_id, client_secret: 'a secret/with:signs', ...row }]
  return {
    issuer,
    variables: { ...development, IDENTITY_PROVIDERS: JSON.stringify(rows) },
    key: privateKey,
    subject: crypto.randomUUID(),
  }
}

const halfHash = async (value: string) =>
  toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(value))).slice(0, 16))

type Person = { readonly email: string; readonly nonce: string }

async function idToken({ issuer, key, subject }: Provider, { email, nonce }: Person, told: Told): Promise<string> {
  const now = nowSeconds()
  const right = {
    iss: issuer,
    sub: subject,
    aud: client_id,
    iat: now,
    exp: now + 300,
    nonce,
    email,
    email_verified: true,
  }
  const claims = { ...right, at_hash: await halfHash(access_token), ...told.claims }
  return new SignJWT(claims).setProtectedHeader({ alg: told.alg ?? 'ES256', kid: 'k1' }).sign(told.key ?? key)
}

/** Publishes what the provider says from now on. */
export async function say({ issuer, subject }: Provider, told: Told, tokens: Record<string, unknown>): Promise<void> {
  const path = new URL(issuer).pathname
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    ...(told.userinfo !== undefined && { userinfo_endpoint: `${issuer}/userinfo` }),
    ...told.metadata,
  }
  await hostJson(`${path}/.well-known/openid-configuration`, metadata)
  await hostJson(`${path}/token`, { access_token, token_type: 'Bearer', ...tokens, ...told.tokens })
  await hostJson(`${path}/userinfo`, { sub: subject, ...told.userinfo })
}

/** From our sign-in page to where the provider would ask the person. */
export async function leaveFor(visitor: Visitor, id = 'acme', page?: Answer): Promise<URL> {
  const shown = page ?? (await visitor.open(authorizeUrl({ scope: 'openid' })))
  const href = new RegExp(`href="(/sign-in/provider/${id}\\?[^"]+)"`).exec(shown.text)?.[1]
  if (href === undefined) throw new Error(`status ${shown.status}: no way to ${id}`)
  const { location, status, text } = await visitor.open(href)
  if (location === null)
    throw new Error(`status ${status} in place of ${id}: ${/<div class="notice[^>]*>([^<]*)/.exec(text)?.[1]}`)
  return location
}

/** The browser comes back from there with what the provider says. */
export async function comeBackFrom(provider: Provider, visitor: Visitor, asked: URL, told: Told = {}): Promise<Answer> {
  const nonce = asked.searchParams.get('nonce') ?? ''
  await say(provider, told, { id_token: await idToken(provider, { email: visitor.email, nonce }, told) })
  const url = new URL(asked.searchParams.get('redirect_uri') ?? '')
  const right = { code: 'a-code', state: asked.searchParams.get('state') ?? '' }
  for (const [name, value] of Object.entries({ ...right, ...told.answer })) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return visitor.open(url)
}

/** A visitor who knows this provider, at its door. */
export async function atProvider(provider: Provider, told: Told = {}): Promise<{ visitor: Visitor; asked: URL }> {
  await say(provider, told, {})
  const visitor = meetVisitor(provider.variables)
  return { visitor, asked: await leaveFor(visitor) }
}
