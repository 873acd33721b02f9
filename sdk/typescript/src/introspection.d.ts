import type { Config } from './config.ts'
import type { User } from './user.ts'
/** What the issuer says of a token. */
export type Introspection =
  | {
      outcome: 'active'
      audience: unknown
      user: User
    }
  | {
      outcome: 'inactive'
      definite: boolean
    }
  | {
      outcome: 'unavailable'
      reason: UnavailableReason
      retryAfterSeconds: number
    }
export type UnavailableReason = 'key_refused' | 'unreachable' | 'bad_status' | 'bad_answer' | 'server_url_unknown'
export type Introspect = (token: string) => Promise<Introspection>
/** Asks the issuer's introspection endpoint (RFC 7662), once, without following redirects. It never throws. */
export declare function createIntrospect(config: Config): Introspect
export declare function unavailable(
  reason: UnavailableReason,
  retryAfterSeconds?: number,
): Extract<
  Introspection,
  {
    outcome: 'unavailable'
  }
>
