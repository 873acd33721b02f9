const MAX_CHARACTERS = 200
const MAX_DEPTH = 8
// The longest name that file systems store.
const MAX_PART_BYTES = 255

// What Windows takes for a device, whatever the ending and in whatever folder.
const RESERVED = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?: *\..*)?$/i

/** Thrown where a name or a file is refused; the message is for the person or the model that asked. */
export class FileRefused extends Error {
  override name = 'FileRefused'
}

/**
 * The parts of a relative name such as `notes/today.txt`. Only names of plain letters, digits, `.`, `_`, `-` and spaces
 * are let through, each part beginning with a letter or digit: that leaves no way to say "up", "root", "drive", "hidden"
 * or "stream" on any system.
 * @throws FileRefused with what is wrong
 */
export function parseFileName(name: string): readonly string[] {
  if (name === '') throw new FileRefused('The name is empty.')
  if (name.length > MAX_CHARACTERS) throw new FileRefused(`The name is longer than ${MAX_CHARACTERS} characters.`)
  if (name.startsWith('/') || name.startsWith('\\') || /^[A-Za-z]:/.test(name)) {
    throw new FileRefused('The name must be relative to the shared folder.')
  }
  const parts = name.split('/')
  if (parts.length > MAX_DEPTH) throw new FileRefused(`The name has more than ${MAX_DEPTH} parts.`)
  if (parts.includes('..')) throw new FileRefused('The name leads out of the shared folder.')
  // One way to write a letter, or two files could look the same.
  if (name.normalize('NFC') !== name || !parts.every(isPlainPart)) {
    throw new FileRefused(
      'The name may hold letters, digits, spaces and . _ - only, and begins with a letter or digit.',
    )
  }
  if (parts.some((part) => RESERVED.test(part))) {
    throw new FileRefused('The name is one that some systems reserve for a device.')
  }
  if (parts.some((part) => Buffer.byteLength(part) > MAX_PART_BYTES)) {
    throw new FileRefused(`A part of the name is longer than ${MAX_PART_BYTES} bytes.`)
  }
  return parts
}

function isPlainPart(part: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._-]*$/u.test(part) && !/[ .]$/.test(part)
}
