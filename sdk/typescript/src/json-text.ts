/** The body of a request as far as it is JSON. */
export type JsonText =
  | { outcome: 'text'; text: string }
  | { outcome: 'parsed'; value: unknown } // somebody before us has read and parsed it
  | { outcome: 'empty' }
  | { outcome: 'other' } // does not begin like JSON
  | { outcome: 'too_large' }
  | { outcome: 'consumed' } // somebody before us has read it and kept it
  | { outcome: 'broken' } // the connection ended before the body

export type JsonCollector = Readonly<{
  /** Takes the next piece; the answer says to stop. */
  push: (piece: Uint8Array) => JsonText | undefined
  /** What it is when nothing more comes. */
  end: () => JsonText
  /** All that was taken. */
  bytes: () => Uint8Array
}>

const decoder = new TextDecoder() // drops a byte order mark, as Request.json() does

/**
 * Collects a body piece by piece, as far as it can be JSON: one that does not begin with `{` or `[` is left alone after
 * its first bytes, whatever its size and content type.
 */
export function collectJson(maxBytes: number): JsonCollector {
  const collected = collectBytes()
  const findBegin = createBeginFinder()
  let begin: Begin = 'open'
  const look = (isWhole: boolean) => {
    if (begin === 'open') begin = findBegin(collected.bytes(), isWhole)
  }
  return {
    push(piece) {
      collected.add(piece)
      look(false)
      if (begin === 'other') return { outcome: 'other' }
      return collected.sizeBytes() > maxBytes ? { outcome: 'too_large' } : undefined
    },
    end() {
      look(true)
      if (begin === 'other') return { outcome: 'other' }
      return begin === 'json' ? { outcome: 'text', text: decoder.decode(collected.bytes()) } : { outcome: 'empty' }
    },
    bytes: collected.bytes,
  }
}

type Begin = 'open' | 'json' | 'other'

type Encoding = Readonly<{ unitBytes: 1 | 2 | 4; isLittleEndian: boolean; markBytes: number }>

const BYTES_THAT_TELL_THE_ENCODING = 4

/**
 * Looks for the first letter behind a byte order mark and white space (RFC 8259 §2, §8.1), reading each byte once. What
 * begins like JSON in UTF-16 or UTF-32 counts too: no parser of ours reads it, but a handler's might.
 */
function createBeginFinder(): (bytes: Uint8Array, isWhole: boolean) => Begin {
  let encoding: Encoding | undefined
  let place = 0
  return (bytes, isWhole) => {
    if (encoding === undefined) {
      if (bytes.byteLength < BYTES_THAT_TELL_THE_ENCODING && !isWhole) return 'open'
      encoding = detectEncoding(bytes)
      place = encoding.markBytes
    }
    const { unitBytes } = encoding
    for (; place + unitBytes <= bytes.byteLength; place += unitBytes) {
      const letter = readUnit(bytes, place, encoding)
      if (letter === 0x7b || letter === 0x5b) return 'json'
      if (letter !== 0x20 && letter !== 0x09 && letter !== 0x0a && letter !== 0x0d) return 'other'
    }
    return isWhole && place < bytes.byteLength ? 'other' : 'open'
  }
}

/** By the mark, else by where the zeros of two ASCII letters are: JSON begins with one, and another follows. */
function detectEncoding(bytes: Uint8Array): Encoding {
  const [first, second, third, fourth] = bytes
  const startsWith = (...mark: number[]) => mark.every((byte, index) => bytes[index] === byte)
  const found = (unitBytes: 1 | 2 | 4, isLittleEndian: boolean, markBytes = 0) => {
    return { unitBytes, isLittleEndian, markBytes }
  }
  if (startsWith(0, 0, 0xfe, 0xff)) return found(4, false, 4)
  if (startsWith(0xff, 0xfe, 0, 0)) return found(4, true, 4)
  if (startsWith(0xfe, 0xff)) return found(2, false, 2)
  if (startsWith(0xff, 0xfe)) return found(2, true, 2)
  if (startsWith(0xef, 0xbb, 0xbf)) return found(1, false, 3)
  const isShort = bytes.byteLength < BYTES_THAT_TELL_THE_ENCODING
  if (isShort && bytes.byteLength !== 2) return found(1, false)
  if (first === 0) return found(isShort || second !== 0 ? 2 : 4, false)
  if (second === 0) return found(isShort || third !== 0 || fourth !== 0 ? 2 : 4, true)
  return found(1, false)
}

function readUnit(bytes: Uint8Array, place: number, { unitBytes, isLittleEndian }: Encoding): number {
  let letter = 0
  for (let index = 0; index < unitBytes; index += 1) {
    letter = letter * 256 + (bytes[place + (isLittleEndian ? unitBytes - 1 - index : index)] ?? 0)
  }
  return letter
}

/** One piece is kept as it is; more are copied into a room that doubles, however small the pieces are. */
function collectBytes() {
  let room: Uint8Array = new Uint8Array(0)
  let sizeBytes = 0
  let isOwn = false
  return {
    add(piece: Uint8Array): void {
      if (sizeBytes === 0) room = piece
      else {
        const wholeBytes = sizeBytes + piece.byteLength
        if (!isOwn || room.byteLength < wholeBytes) {
          const larger = new Uint8Array(2 * wholeBytes)
          larger.set(room.subarray(0, sizeBytes))
          room = larger
          isOwn = true
        }
        room.set(piece, sizeBytes)
      }
      sizeBytes += piece.byteLength
    },
    sizeBytes: () => sizeBytes,
    bytes: () => room.subarray(0, sizeBytes),
  }
}
