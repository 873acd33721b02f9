import { createHash, timingSafeEqual } from 'node:crypto'
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { Problem } from './problem.ts'

/** Who calls: the database role to act as, and the claims a function can read. */
export type Caller = { role: string; claims: string }

/** A key for the surface: a JWT that names its role, as Supabase's older keys do (HS256); without an expiry it has none. */
export function makeApiKey(role: string, jwtSecret: string, expiresAtSeconds?: number): Promise<string> {
  const exp = expiresAtSeconds === undefined ? {} : { exp: expiresAtSeconds }
  return new SignJWT({ role, iss: 'supabase', ...exp })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(bytesOf(jwtSecret))
}

/** The key in Supabase's newer form, which is no JWT and stands for service_role; made from the JWT secret. */
export function secretKeyOf(jwtSecret: string): string {
  return `sb_secret_${createHash('sha256').update(`sb_secret\0${jwtSecret}`).digest('base64url').slice(0, 31)}`
}

type Credentials = { apikey: string | undefined; authorization: string | undefined }

/**
 * Makes the function that tells who calls. A person's token in `Authorization` beats the project's key in `apikey`,
 * but the key has to be good as well, as Supabase's gateway wants it.
 */
export function callerReader(jwtSecret: string): (credentials: Credentials) => Promise<Caller> {
  const known = new Map<string, { caller: Caller; expiresAtSeconds: number }>()
  const secretKey = secretKeyOf(jwtSecret)
  const read = async (key: string): Promise<Caller> => {
    if (isSame(key, secretKey)) return { role: 'service_role', claims: '{"role":"service_role"}' }
    const found = known.get(key)
    if (found !== undefined && found.expiresAtSeconds > Date.now() / 1000) return found.caller
    const { payload } = await verify(key, jwtSecret)
    const caller = { role: roleOf(payload), claims: JSON.stringify(payload) }
    if (known.size >= 100) known.clear()
    known.set(key, { caller, expiresAtSeconds: payload.exp ?? Number.POSITIVE_INFINITY })
    return caller
  }
  return async ({ apikey, authorization }) => {
    const bearer = bearerOf(authorization)
    const project = apikey === undefined ? undefined : await read(apikey)
    const person = bearer === undefined || bearer === apikey ? undefined : await read(bearer)
    const caller = person ?? project
    if (caller === undefined) throw anonymousDisabled()
    return caller
  }
}

function roleOf(payload: JWTPayload): string {
  // PostgREST falls back to the anonymous role for a token that names none.
  return typeof payload.role === 'string' ? payload.role : 'anon'
}

async function verify(key: string, jwtSecret: string): Promise<{ payload: JWTPayload }> {
  try {
    return await jwtVerify(key, bytesOf(jwtSecret), { algorithms: ['HS256'] })
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refused('PGRST303', 'JWT expired')
    if (error instanceof errors.JWTClaimValidationFailed) throw refused('PGRST303', 'JWT claims validation failed')
    if (error instanceof errors.JWSSignatureVerificationFailed)
      throw refused('PGRST301', 'JWSError JWSInvalidSignature')
    throw refused('PGRST301', 'JWSError (CompactDecodeError Invalid or unsupported key)')
  }
}

function refused(code: string, message: string): Problem {
  const headers = { 'WWW-Authenticate': `Bearer error="invalid_token", error_description="${message}"` }
  return new Problem(401, code, message, { headers })
}

function anonymousDisabled(): Problem {
  return new Problem(401, 'PGRST302', 'Anonymous access is disabled', { headers: { 'WWW-Authenticate': 'Bearer' } })
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(bytesOf(one), bytesOf(other))
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
