import { isCodeChallenge, isPublishedChallenge } from '../crypto/pkce.ts'
import { refused } from './errors.ts'
import type { Parameters } from './parameters.ts'
import { type IssuerFacts, parseResource, type RequestedResource } from './resource.ts'
import { parseScope } from './scope.ts'
import { codeChallengeMethods, promptValues, responseModes, responseTypes } from './server-capabilities.ts'

export type Prompt = (typeof promptValues)[number]

/** An authorization request, valid in itself (OAuth 2.1 §4.1.1, OpenID Connect Core §3.1.2.1). */
export type AuthorizationRequest = {
  readonly state: string | undefined
  /** null: none was named, so the server's default scopes are meant. */
  readonly scope: readonly string[] | null
  readonly resource: RequestedResource | undefined
  readonly code_challenge: string
  readonly nonce: string | undefined
  readonly prompt: readonly Prompt[]
  readonly max_age_seconds: number | undefined
  readonly login_hint: string | undefined
}

const clientIdSizeBytes = 2_048
/** Several KB, because some clients carry their whole way back in it (INTEROP 4.6). */
const stateSizeBytes = 4_096
const nonceSizeBytes = 512

/** RFC 6749 appendix A: VSCHAR. */
function isVisible(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value)
}

/**
 * Who asks. Read before everything else; until client and redirect URI are proven an error is a page (RFC 6749 §4.1.2.1).
 * @throws OAuthError to be shown on our own page
 */
export function readClientId(parameters: Parameters): string {
  const client_id = parameters.get('client_id')
  if (client_id === undefined) throw refused('client_id_missing')
  if (client_id.length > clientIdSizeBytes || !isVisible(client_id)) throw refused('client_unknown')
  return client_id
}

/**
 * The state to give back, byte for byte (THREATS A19). Errors carry it too, so it is read first of what follows the
 * redirect URI.
 * @throws OAuthError invalid_request; the error redirect then carries none
 */
export function readState(parameters: Parameters): string | undefined {
  const state = parameters.get('state')
  if (state === undefined) return undefined
  if (state.length > stateSizeBytes || !isVisible(state)) throw refused('state_malformed')
  return state
}

function checkResponseType(parameters: Parameters): void {
  const response_type = parameters.get('response_type')
  if (response_type === undefined) throw refused('response_type_missing')
  if (!responseTypes.some((supported) => supported === response_type)) throw refused('response_type_unsupported')
  const response_mode = parameters.get('response_mode')
  if (response_mode === undefined || responseModes.some((supported) => supported === response_mode)) return
  throw refused('response_mode_unsupported')
}

function checkByReference(parameters: Parameters): void {
  // Never fetched (THREATS A25).
  if (parameters.all('request_uri').length > 0) throw refused('request_uri_not_supported')
  if (parameters.all('request').length > 0) throw refused('request_not_supported')
  if (parameters.all('registration').length > 0) throw refused('registration_not_supported')
}

function readCodeChallenge(parameters: Parameters): string {
  const code_challenge = parameters.get('code_challenge')
  if (code_challenge === undefined) throw refused('code_challenge_missing')
  const method = parameters.get('code_challenge_method')
  // Absent means plain (RFC 7636 §4.3), which gives the verifier away.
  if (!codeChallengeMethods.some((supported) => supported === method))
    throw refused('code_challenge_method_unsupported')
  if (!isCodeChallenge(code_challenge)) throw refused('code_challenge_malformed')
  if (isPublishedChallenge(code_challenge)) throw refused('code_challenge_published')
  return code_challenge
}

function readPrompt(parameters: Parameters): readonly Prompt[] {
  const asked = (parameters.get('prompt') ?? '').split(/\s+/)
  if (asked.includes('none')) {
    if (asked.some((value) => value !== 'none' && value !== '')) throw refused('prompt_contradictory')
    // Nothing is ever issued without a person looking at it (THREATS A24).
    throw refused('interaction_required')
  }
  return promptValues.filter((value) => asked.includes(value))
}

function readMaxAge(parameters: Parameters): number | undefined {
  const max_age = parameters.get('max_age')
  if (max_age === undefined) return undefined
  if (!/^[0-9]{1,9}$/.test(max_age)) throw refused('max_age_malformed')
  return Number(max_age)
}

function readNonce(parameters: Parameters): string | undefined {
  const nonce = parameters.get('nonce')
  if (nonce === undefined || (nonce.length <= nonceSizeBytes && isVisible(nonce))) return nonce
  throw refused('nonce_malformed')
}

/**
 * Everything but client and redirect URI, which are proven before this is called: its errors may go to the client
 * (RFC 6749 §4.1.2.1), with the state of {@link readState}.
 * @throws OAuthError
 */
export function parseAuthorizationRequest(parameters: Parameters, issuer: IssuerFacts): AuthorizationRequest {
  const state = readState(parameters)
  checkByReference(parameters)
  checkResponseType(parameters)
  const code_challenge = readCodeChallenge(parameters)
  const resource = parseResource(parameters.all('resource'), issuer)
  const scope = parseScope(parameters.get('scope'))
  const nonce = readNonce(parameters)
  const max_age_seconds = readMaxAge(parameters)
  const login_hint = parameters.get('login_hint')
  return {
    state,
    scope,
    resource,
    code_challenge,
    nonce,
    max_age_seconds,
    // Only a hint: one that cannot be an address is dropped.
    login_hint: login_hint !== undefined && login_hint.length <= 254 && isVisible(login_hint) ? login_hint : undefined,
    // Last, so that a request with another defect is told that one.
    prompt: readPrompt(parameters),
  }
}
