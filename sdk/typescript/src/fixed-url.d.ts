/** A URL that comes from configuration or from the issuer, never from a request (RFC 9728 §3.3). */
export type FixedUrl = Readonly<{
  /** Canonical spelling: lower-case scheme and host, no default port, no lone `/`. */
  href: string
  origin: string
  /** Empty where the URL is a bare origin. */
  path: string
}>
/** The issuer as one canonical text without trailing slash, or a sentence that says what is wrong. */
export declare function parseIssuer(value: string): FixedUrl | string
/** The registered URL of a server as its tokens name it in `aud`, or a sentence that says what is wrong. */
export declare function parseServerUrl(value: string): FixedUrl | string
