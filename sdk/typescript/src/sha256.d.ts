/**
 * SHA-256 of a text, base64url. Tokens are remembered under it, so that the tokens themselves are not kept. Node's own
 * hash is twenty times faster there than Web Crypto, and synchronous.
 */
export declare function sha256Base64Url(text: string): string | Promise<string>
