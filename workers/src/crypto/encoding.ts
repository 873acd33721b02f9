const text = new TextEncoder()

export function utf8(value: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(text.encode(value))
}

/** base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Reads unpadded base64url; undefined when it is anything else, or not the one spelling of its bytes. */
export function fromBase64Url(value: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(value) || value.length % 4 === 1) return undefined
  const binary = atob(value.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
  // Several spellings end in different unused bits but give the same bytes: only the one we would write is read.
  return toBase64Url(bytes) === value ? bytes : undefined
}

/** PostgreSQL's text form of a bytea: `\x` and lower-case hex. */
export function toBytea(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return `\\x${hex}`
}

/** Reads what {@link toBytea} writes; undefined when it is anything else. */
export function fromBytea(value: string): Uint8Array<ArrayBuffer> | undefined {
  const hex = value.slice(2)
  if (!value.startsWith('\\x') || hex.length % 2 !== 0 || !/^[0-9a-f]*$/.test(hex)) return undefined
  const bytes = new Uint8Array(hex.length / 2)
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16)
  return bytes
}
