/**
 * Whether a text can be one of our access tokens at all: a JWT signed with ES256 of type `at+jwt` (RFC 9068 §2.1).
 * Nothing is trusted because of it; it keeps garbage from costing a call.
 */
export declare function looksLikeAccessToken(token: string): boolean
