export type BasicCredentials = { readonly user: string; readonly password: string }

/**
 * The readings of an `Authorization: Basic` header (RFC 7617, RFC 6749 §2.3.1), most literal last.
 * RFC 6749 wants both parts form-encoded, which half of the clients forget: so both readings are given where they
 * differ, and the one that names a real credential counts.
 * @returns undefined when the header is not well-formed Basic
 */
export function parseBasic(authorization: string): readonly BasicCredentials[] | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization.trim())?.[1]
  if (encoded === undefined || encoded.length > 4096) return undefined
  const text = decodeBase64(encoded)
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon < 1) return undefined
  const literal = { user: text.slice(0, colon), password: text.slice(colon + 1) }
  const decoded = formDecoded(literal)
  if (decoded === undefined || (decoded.user === literal.user && decoded.password === literal.password)) {
    return [literal]
  }
  return [decoded, literal]
}

/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1), or undefined when it is not well-formed. */
export function parseBearer(authorization: string): string | undefined {
  return /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization.trim())?.[1]
}

function decodeBase64(encoded: string): string | undefined {
  try {
    const binary = atob(encoded)
    // Nearly always: then it is the text already.
    if (/^[\x20-\x7e]*$/.test(binary)) return binary
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    // Control characters are forbidden in both parts (RFC 7617 §2).
    return /\p{Cc}/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

function formDecoded({ user, password }: BasicCredentials): BasicCredentials | undefined {
  try {
    return { user: formDecode(user), password: formDecode(password) }
  } catch {
    return undefined
  }
}

/** @throws URIError for what is no percent-coding, and for one of a character that may be in neither part (RFC 7617 §2) */
function formDecode(part: string): string {
  const decoded = decodeURIComponent(part.replaceAll('+', ' '))
  if (/\p{Cc}/u.test(decoded)) throw new URIError('a control character')
  return decoded
}
