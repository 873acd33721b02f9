/** A row of IDENTITY_PROVIDERS: brands are rows of data. */
export type OidcRow = {
  readonly kind: 'oidc'
  readonly id: string
  readonly name: string
  readonly issuer: string
  readonly client_id: string
  /** Absent for a public client, which PKCE alone protects. */
  readonly client_secret?: string | undefined
}
export type GithubRow = {
  readonly kind: 'github'
  readonly id: string
  readonly name: string
  readonly issuer: string
  readonly api_url: string
  readonly client_id: string
  readonly client_secret: string
}
export type ProviderRow = OidcRow | GithubRow

/** One way there and back: all of it is made for one browser and transaction, and nothing of it is kept. */
export type Leg = {
  readonly redirect_uri: string
  readonly state: string
  readonly nonce: string
  readonly code_verifier: string
}

/** What comes back with the browser. */
export type UpstreamAnswer = Omit<Leg, 'state'> & { readonly code: string; readonly iss?: string | undefined }

/** Whom a provider vouches for. The address only where the provider says that it has verified it. */
export type UpstreamIdentity = {
  readonly issuer: string
  readonly subject: string
  readonly email?: string | undefined
  readonly auth_time_seconds?: number | undefined
}

/** Another place that can vouch for a person: any OpenID Connect provider, or GitHub. */
export type SignInProvider = {
  readonly id: string
  readonly name: string
  readonly issuer: string
  /** @throws ProviderFailed */
  readonly authorizationUrl: (leg: Leg) => Promise<string>
  /** @throws ProviderFailed */
  readonly identify: (answer: UpstreamAnswer) => Promise<UpstreamIdentity>
}

/** What went wrong with a provider, for the log: no code, token or address is in it. */
export class ProviderFailed extends Error {
  override readonly name = 'ProviderFailed'
}

export type JsonRequest = {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** What came of a call: JSON with status 200, or a sentence for the log. */
export type JsonAnswer = { readonly json: unknown } | { readonly problem: string }

export type CallJson = (url: string, request: JsonRequest) => Promise<JsonAnswer>

/** Calls one of a provider's own endpoints. @throws ProviderFailed */
export async function callProvider(call: CallJson, url: string, request: JsonRequest): Promise<unknown> {
  const answer = await call(url, request)
  if ('problem' in answer) throw new ProviderFailed(`${new URL(url).host}: ${answer.problem}`)
  return answer.json
}

/** A form as a token endpoint takes it (RFC 6749 §4.1.3). */
export function formRequest(
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): JsonRequest {
  return {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  }
}
