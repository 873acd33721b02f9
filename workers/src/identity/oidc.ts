import * as z from 'zod/mini'
import { s256 } from '../crypto/pkce.ts'
import { verifyUpstreamIdToken } from '../crypto/upstream-id-token.ts'
import { discoveryUrl, type ProviderMetadata } from './oidc-metadata.ts'
import {
  type CallJson,
  callProvider,
  formRequest,
  type Leg,
  type OidcRow,
  ProviderFailed,
  type SignInProvider,
  type UpstreamAnswer,
  type UpstreamIdentity,
} from './provider.ts'

type Keys = { readonly keys: readonly Readonly<Record<string, unknown>>[] }
type Read<Value> = (url: string) => Promise<{ readonly value: Value } | { readonly problem: string }>

/** How a provider is reached: its documents are remembered, its endpoints are called each time. */
export type OidcReach = {
  readonly readMetadata: Read<ProviderMetadata>
  readonly readKeys: Read<Keys>
  /** Past what is remembered: for a signature by a key that is not known. */
  readonly readKeysAgain: Read<Keys>
  readonly call: CallJson
  readonly nowSeconds: () => number
}

const tokens = z.object({ id_token: z.string(), access_token: z.string() })
const person = z.object({ sub: z.string(), email: z.optional(z.string()), email_verified: z.optional(z.unknown()) })

/** Any OpenID Connect provider that has metadata: code flow, PKCE, state and nonce (OpenID Connect Core §3.1, RFC 9700 §2.1). */
export function oidcProvider(row: OidcRow, reach: OidcReach): SignInProvider {
  const { id, name, issuer, client_id } = row
  const metadata = () => found(issuer, reach.readMetadata(discoveryUrl(issuer)))
  return {
    id,
    name,
    issuer,
    authorizationUrl: async (leg) => {
      const { authorization_endpoint } = await metadata()
      const url = new URL(authorization_endpoint)
      const fields = { response_type: 'code', client_id, scope: 'openid email', ...(await challengeOf(leg)) }
      for (const [field, value] of Object.entries(fields)) url.searchParams.set(field, value)
      return url.href
    },
    identify: async (answer) => {
      const known = await metadata()
      checkIssuer(answer, known)
      const given = await redeem(row, known, { answer, call: reach.call })
      const claims = await verify(row, known, { answer, given, reach })
      return identityOf(claims, row, await emailOf(claims, known, { given, call: reach.call }))
    },
  }
}

async function challengeOf({ redirect_uri, state, nonce, code_verifier }: Leg): Promise<Record<string, string>> {
  return { redirect_uri, state, nonce, code_challenge: await s256(code_verifier), code_challenge_method: 'S256' }
}

async function found<Value>(
  issuer: string,
  reading: Promise<{ readonly value: Value } | { readonly problem: string }>,
): Promise<Value> {
  const read = await reading
  if ('problem' in read) throw new ProviderFailed(`${issuer}: ${read.problem}`)
  return read.value
}

/** Mix-up (RFC 9207 §2.4): each provider has a redirect URI of its own, and where it says who it is, that is looked at too. */
function checkIssuer(
  { iss }: UpstreamAnswer,
  { issuer, authorization_response_iss_parameter_supported }: ProviderMetadata,
) {
  if (iss === undefined ? authorization_response_iss_parameter_supported === true : iss !== issuer) {
    throw new ProviderFailed(`${issuer}: iss of the answer is missing or another one`)
  }
}

type Redeeming = { readonly answer: UpstreamAnswer; readonly call: CallJson }
type Given = z.infer<typeof tokens>

/** RFC 6749 §2.3.1: both are form-encoded before they are joined. */
function basic(client_id: string, client_secret: string): string {
  const encode = (value: string) => new URLSearchParams({ '': value }).toString().slice(1)
  return `Basic ${btoa(`${encode(client_id)}:${encode(client_secret)}`)}`
}

async function redeem(row: OidcRow, metadata: ProviderMetadata, { answer, call }: Redeeming): Promise<Given> {
  const { client_id, client_secret } = row
  const { code, redirect_uri, code_verifier } = answer
  const fields = { grant_type: 'authorization_code', code, redirect_uri, code_verifier }
  // Absent means Basic (OpenID Connect Discovery 1.0 §3).
  const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const isBasic = client_secret !== undefined && methods.includes('client_secret_basic')
  const request = isBasic
    ? formRequest(fields, { authorization: basic(client_id, client_secret) })
    : formRequest({ ...fields, client_id, ...(client_secret !== undefined && { client_secret }) })
  const read = tokens.safeParse(await callProvider(call, metadata.token_endpoint, request))
  if (!read.success) throw new ProviderFailed(`${row.issuer}: the token endpoint gave no ID token`)
  return read.data
}

type Verifying = { readonly answer: UpstreamAnswer; readonly given: Given; readonly reach: OidcReach }

async function verify(row: OidcRow, { jwks_uri }: ProviderMetadata, { answer, given, reach }: Verifying) {
  const { issuer, client_id } = row
  const verifyWith = async (read: Read<Keys>) => {
    const { keys } = await found(issuer, read(jwks_uri))
    const { nonce } = answer
    const { access_token } = given
    const set = { keys: keys.map((key) => ({ ...key, kty: String(key.kty) })) }
    const nowSeconds = reach.nowSeconds()
    return verifyUpstreamIdToken(given.id_token, { keys: set, issuer, client_id, nonce, access_token, nowSeconds })
  }
  const first = await verifyWith(reach.readKeys)
  const verified = first.outcome === 'key_unknown' ? await verifyWith(reach.readKeysAgain) : first
  if (verified.outcome === 'verified') return verified.claims
  const problem = verified.outcome === 'refused' ? verified.problem : 'the ID token is signed by none of its keys'
  throw new ProviderFailed(`${issuer}: ${problem}`)
}

type Claims = Awaited<ReturnType<typeof verify>>
type Asking = { readonly given: Given; readonly call: CallJson }

/** The address that the provider has verified; from userinfo where the ID token has none (OpenID Connect Core §5.3.2). */
async function emailOf(
  claims: Claims,
  metadata: ProviderMetadata,
  { given, call }: Asking,
): Promise<string | undefined> {
  const { userinfo_endpoint, issuer } = metadata
  if (claims.email !== undefined || userinfo_endpoint === undefined) return verifiedEmail(claims)
  const headers = { accept: 'application/json', authorization: `Bearer ${given.access_token}` }
  const read = person.safeParse(await callProvider(call, userinfo_endpoint, { method: 'GET', headers }))
  // §5.3.4: the answer is about whom the ID token is about, or it is not believed.
  if (!read.success || read.data.sub !== claims.sub)
    throw new ProviderFailed(`${issuer}: userinfo is about somebody else`)
  return verifiedEmail(read.data)
}

/** Some write the boolean as a string. */
function verifiedEmail({ email, email_verified }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof email === 'string' && (email_verified === true || email_verified === 'true') ? email : undefined
}

function identityOf({ sub, auth_time }: Claims, { issuer }: OidcRow, email: string | undefined): UpstreamIdentity {
  return {
    issuer,
    subject: sub,
    ...(email !== undefined && { email }),
    ...(typeof auth_time === 'number' && { auth_time_seconds: Math.floor(auth_time) }),
  }
}
