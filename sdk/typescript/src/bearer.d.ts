/** What the `Authorization` header holds. */
export type BearerToken =
  | {
      outcome: 'absent'
    }
  | {
      outcome: 'malformed'
    }
  | {
      outcome: 'present'
      token: string
    }
/**
 * Reads the Bearer token of a request (RFC 6750 §2.1, RFC 9110 §11.4). Every expression here reads a character
 * once, so a long header costs linear time. The query, the body and cookies are never looked at.
 */
export declare function readBearerToken(authorization: string | null): BearerToken
