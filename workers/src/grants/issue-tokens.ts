import type { KeyRing } from '../crypto/digest.ts'
import { newTokenNonce } from '../crypto/random.ts'
import type { SigningKeys } from '../crypto/signing-keys.ts'
import { accessTokenClaims, accessTokenSeconds, accessTokenType } from '../protocol/access-token.ts'
import { idTokenClaims, idTokenType } from '../protocol/id-token.ts'
import { type TokenResponse, tokenResponse } from '../protocol/token-response.ts'
import type { Store } from '../store/client.ts'
import type { ClientProof, Connection, RequestFacts, TheftNotice } from '../store/rows.ts'

/** Who asks for tokens, proven by its registered method. */
export type AuthenticatedClient = { readonly client: { readonly client_id: string }; readonly proof: ClientProof }

/** What a grant needs of the deployment and of the request. */
export type GrantSettings = {
  readonly store: Store
  readonly keys: SigningKeys
  readonly tokenPeppers: KeyRing
  readonly issuer: string
  readonly accessTokenSeconds: number
  readonly idTokenSeconds: number
  readonly retry: { readonly window_seconds: number; readonly max: number }
  readonly requestFacts: RequestFacts
  /** Told once for each connection that is ended because a copy of its credentials was used. */
  readonly onTheft: (notice: TheftNotice) => void
}

/** Only what the connection was really given is told, so the tokens are signed after the database has decided. */
export type Issued = {
  readonly connection: Connection
  readonly refresh_token: string | undefined
  /** Of the authorization request; an ID token from a refresh has none (OpenID Connect Core §12.2). */
  readonly nonce: string | undefined
}

/** Signs what belongs to a connection that has just been confirmed: access token, and ID token with `openid`. */
export async function issueTokens(settings: GrantSettings, issued: Issued): Promise<TokenResponse> {
  const { connection } = issued
  const { issuer, keys } = settings
  const lifetimeSeconds = accessTokenSeconds(connection.access_token_seconds, settings.accessTokenSeconds)
  const claims = accessTokenClaims(connection, { issuer, lifetimeSeconds, nonce: newTokenNonce() })
  const idToken = idTokenClaims(
    { ...connection, nonce: issued.nonce },
    { issuer, lifetimeSeconds: settings.idTokenSeconds },
  )
  return tokenResponse({
    access_token: await keys.sign(accessTokenType, claims),
    expires_in: lifetimeSeconds,
    scopes: connection.scopes,
    refresh_token: issued.refresh_token,
    id_token: connection.scopes.includes('openid') ? await keys.sign(idTokenType, idToken) : undefined,
  })
}
