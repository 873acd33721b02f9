const headEnd = Buffer.from('\r\n\r\n')
const lastChunk = Buffer.from('0\r\n\r\n')

/**
 * Bytes of the first complete HTTP/1.1 answer in the buffer, or undefined while it is incomplete (RFC 9112 §6).
 * Enough for what workerd and Node send on loopback: Content-Length, or chunked without trailers.
 */
export function answerLength(buffer: Buffer): number | undefined {
  const end = buffer.indexOf(headEnd)
  if (end === -1) return undefined
  const bodyStart = end + headEnd.length
  const head = buffer.subarray(0, end).toString('latin1').toLowerCase()
  const declared = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
  if (declared !== undefined) {
    const length = bodyStart + Number(declared)
    return buffer.length >= length ? length : undefined
  }
  if (!head.includes('\r\ntransfer-encoding: chunked')) return bodyStart
  return chunkedEnd(buffer, bodyStart)
}

/** Walks the chunks instead of searching for the last one, because a body may hold the same bytes. */
function chunkedEnd(buffer: Buffer, bodyStart: number): number | undefined {
  let position = bodyStart
  for (;;) {
    const lineEnd = buffer.indexOf('\r\n', position)
    if (lineEnd === -1) return undefined
    const sizeBytes = Number.parseInt(buffer.subarray(position, lineEnd).toString('latin1'), 16)
    if (sizeBytes === 0) {
      const length = position + lastChunk.length
      return buffer.length >= length ? length : undefined
    }
    position = lineEnd + 2 + sizeBytes + 2
  }
}
