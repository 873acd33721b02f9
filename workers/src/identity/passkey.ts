import * as z from 'zod/mini'
import { fromBytea, toBase64Url, toBytea, utf8 } from '../crypto/encoding.ts'

// WebAuthn Level 3, §7. What is verified is verified by @simplewebauthn/server, the most used library for it: formats of keys,
// signatures and attestations are not ours to parse. It is loaded when the first answer comes: it is two thirds of the Worker.

/** Who asks: passkeys are made for this host and work on this origin alone (§4 "RP ID", §13.4.9). */
export type RelyingParty = { readonly id: string; readonly origin: string; readonly name: string }

/** The relying party of an issuer; undefined on an IP address, which is no RP ID (§5.1.3, step 8). */
export function relyingPartyOf(issuer: string, name: string): RelyingParty | undefined {
  const { hostname, origin } = new URL(issuer)
  return /^[0-9.]+$|^\[/.test(hostname) ? undefined : { id: hostname, origin, name }
}

/** COSE algorithms, best first: EdDSA, ES256, RS256; every authenticator has one of them (§5.8.5). */
const algorithms = [-8, -7, -257]

const base64Url = z.string().check(z.regex(/^[A-Za-z0-9_-]+$/), z.maxLength(20_000))

/** What both kinds of answers have, as browsers write them (§5.1.8, `toJSON`). */
const answerMembers = {
  id: base64Url,
  rawId: base64Url,
  type: z.literal('public-key'),
}

const registration = z.object({
  ...answerMembers,
  response: z.object({
    clientDataJSON: base64Url,
    attestationObject: base64Url,
    transports: z.optional(z.array(z.string().check(z.regex(/^[\x21-\x7e]{1,32}$/))).check(z.maxLength(10))),
  }),
})
const authentication = z.object({
  ...answerMembers,
  response: z.object({
    clientDataJSON: base64Url,
    authenticatorData: base64Url,
    signature: base64Url,
    userHandle: z.string().check(z.regex(/^[A-Za-z0-9_-]+$/), z.maxLength(86)),
  }),
})
export type RegistrationAnswer = z.infer<typeof registration>
export type AuthenticationAnswer = z.infer<typeof authentication>

function readJson<Answer>(text: string, shape: z.ZodMiniType<Answer>): Answer | undefined {
  try {
    const parsed = shape.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

/** The answer to a request for a new passkey; undefined when it cannot be one. */
export const readRegistration = (text: string) => readJson(text, registration)

/** The answer to a request to sign in; undefined when it cannot be one, or names nobody (then it was no passkey). */
export const readAuthentication = (text: string) => readJson(text, authentication)

/** Opaque to the authenticator, and the same for all passkeys of an account (§14.6.1). */
function userHandleOf(account_id: string): string {
  return toBase64Url(utf8(account_id))
}

export type KnownCredential = { readonly id: string; readonly transports: readonly string[] }

export type NewPasskeyFor = {
  readonly party: RelyingParty
  readonly challenge: string
  readonly account_id: string
  readonly email: string
  readonly known: readonly KnownCredential[]
}

/** `PublicKeyCredentialCreationOptionsJSON` (§5.1.8): found again without a name, and never without the person (§5.4.6). */
export function creationOptions({ party, challenge, account_id, email, known }: NewPasskeyFor) {
  return {
    challenge,
    rp: { id: party.id, name: party.name },
    user: { id: userHandleOf(account_id), name: email, displayName: email },
    pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: 300_000,
    attestation: 'none',
    excludeCredentials: known.map(({ id, transports }) => ({ type: 'public-key', id, transports })),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
  }
}

/** `PublicKeyCredentialRequestOptionsJSON`: any passkey of this host; whose it is is asked of nobody before. */
export function requestOptions(party: RelyingParty, challenge: string) {
  return { challenge, rpId: party.id, timeout: 300_000, userVerification: 'required', allowCredentials: [] }
}

export type VerifiedPasskey = {
  readonly credential_id: string
  readonly public_key: string
  readonly sign_count: number
  readonly transports: readonly string[]
  readonly backup_eligible: boolean
  readonly backed_up: boolean
  /** Whether it is the one that was asked for, the database knows. */
  readonly challenge: string
}

/** Verifies a new passkey (§7.1); undefined when it is not what was asked for. */
export async function verifyNewPasskey(
  party: RelyingParty,
  answer: RegistrationAnswer,
): Promise<VerifiedPasskey | undefined> {
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  let challenge = ''
  const verified = await verifyRegistrationResponse({
    response: { ...answer, response: { ...answer.response, transports: [] }, clientExtensionResults: {} },
    expectedChallenge: (presented) => {
      challenge = presented
      return true
    },
    expectedOrigin: party.origin,
    expectedRPID: party.id,
    requireUserVerification: true,
    supportedAlgorithmIDs: algorithms,
    // It throws for whatever is wrong with an answer, which is anybody's text.
  }).catch(() => ({ verified: false as const, registrationInfo: undefined }))
  if (!verified.verified || verified.registrationInfo === undefined) return undefined
  const { credential, credentialDeviceType, credentialBackedUp } = verified.registrationInfo
  return {
    credential_id: credential.id,
    public_key: toBytea(credential.publicKey),
    sign_count: credential.counter,
    transports: answer.response.transports ?? [],
    backup_eligible: credentialDeviceType === 'multiDevice',
    backed_up: credentialBackedUp,
    challenge,
  }
}

export type PasskeyToCheck = {
  readonly party: RelyingParty
  readonly isChallenge: (presented: string) => Promise<boolean>
  readonly account_id: string
  readonly credential_id: string
  readonly public_key: string
  readonly sign_count: number
}

export type PasskeyProof = { readonly sign_count: number; readonly backed_up: boolean }

/** Verifies that a passkey has answered this challenge, here, with its person present (§7.2); undefined when it has not. */
export async function verifyPasskeyAnswer(
  known: PasskeyToCheck,
  answer: AuthenticationAnswer,
): Promise<PasskeyProof | undefined> {
  const publicKey = fromBytea(known.public_key)
  // §7.2, step 6: a passkey says whose it is, and that is its owner.
  if (publicKey === undefined || answer.response.userHandle !== userHandleOf(known.account_id)) return undefined
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  const verified = await verifyAuthenticationResponse({
    response: { ...answer, clientExtensionResults: {} },
    expectedChallenge: known.isChallenge,
    expectedOrigin: known.party.origin,
    expectedRPID: known.party.id,
    credential: { id: known.credential_id, publicKey, counter: known.sign_count },
    requireUserVerification: true,
  }).catch(() => undefined)
  if (verified === undefined || !verified.verified) return undefined
  const { newCounter, credentialBackedUp } = verified.authenticationInfo
  return { sign_count: newCounter, backed_up: credentialBackedUp }
}
