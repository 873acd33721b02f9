import type { Config } from './config.ts'
import { type Introspect, type Introspection } from './introspection.ts'
import { type Clock } from './single-flight.ts'
import type { User } from './user.ts'

type Unavailable = Extract<
  Introspection,
  {
    outcome: 'unavailable'
  }
>
/** Whether a token is good here and now. `misaddressed`: alive, but its audience is not this server. */
export type Verification =
  | {
      outcome: 'active'
      user: User
    }
  | {
      outcome: 'inactive'
      misaddressed: boolean
    }
  | Unavailable
export type VerifyToken = (token: string, audience: string) => Promise<Verification>
/** A verifier that asks the issuer, one call at a time for each token, and remembers as `createMemory` says. */
export declare function createVerifyToken(config: Config, introspect: Introspect, clock: Clock): VerifyToken
