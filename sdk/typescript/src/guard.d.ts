import { type AuthAgentOptions } from './config.ts'
import { type HeaderList } from './cors.ts'
import type { Clock } from './single-flight.ts'
import type { User } from './user.ts'
/** What is to be done with a request. */
export type Decision =
  | {
      outcome: 'answer'
      response: Response
    }
  | {
      outcome: 'allowed'
      access: Access
    }
/** What a request that may pass has been granted. */
export type Access = Readonly<{
  user: User
  /** Headers that the handler's answer gets too, unless it has its own. */
  headers: HeaderList
  /** The 403 to send where these scopes are not held, together with the ones every request needs. */
  refuseWithout: (scopes: readonly string[]) => Response | undefined
}>
/** Decides about requests; every framework's middleware is a thin layer over it. */
export type Guard = Readonly<{
  check: (request: Request) => Promise<Decision>
}>
/**
 * Makes a guard with memories of its own.
 * @param clock milliseconds since the epoch
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export declare function createGuard(options: AuthAgentOptions, clock?: Clock): Guard
