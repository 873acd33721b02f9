const nodeHash = globalThis.process?.getBuiltinModule?.('node:crypto')?.hash

/** SHA-256 of a text, base64url. */
export function sha256Base64Url(text: string): string | Promise<string> {
  return nodeHash === undefined ? webHash(text) : nodeHash('sha256', text, 'base64url')
}

/**
 * The key under which a token is remembered, so that the token itself is not kept; undefined on a runtime without
 * Node's own hash, which is synchronous and twenty times faster there than Web Crypto.
 */
export function tokenKeySync(token: string): string | undefined {
  // Of the texts for 32 bytes this is the one that Node makes fastest.
  return nodeHash?.('sha256', token, 'hex')
}

async function webHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const base64 = btoa(String.fromCharCode(...new Uint8Array(digest)))
  return base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
