/** What one request body may hold; larger ones are refused while they are read, before anything is parsed (D10, F21). */
export const BODY_LIMIT_BYTES = 16_384

/** The body as text, or undefined when it is larger than the limit. */
export async function readBodyText(request: Request, limitBytes = BODY_LIMIT_BYTES): Promise<string | undefined> {
  const declared = request.headers.get('content-length')
  if (Number(declared ?? 0) > limitBytes) {
    await request.body?.cancel()
    return undefined
  }
  // On the wire a Content-Length is the framing itself (RFC 9112 §6.3, RFC 9113 §8.1.1): no more than that can come, and
  // reading at once costs a third of streaming.
  if (declared !== null) {
    const text = await request.text()
    return text.length > limitBytes ? undefined : text
  }
  return readStream(request, limitBytes)
}

/** Counts while streaming: without a Content-Length nothing says how much comes. */
async function readStream(request: Request, limitBytes: number): Promise<string | undefined> {
  if (request.body === null) return ''
  const decoder = new TextDecoder()
  const reader = request.body.getReader()
  let sizeBytes = 0
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    sizeBytes += value.byteLength
    if (sizeBytes > limitBytes) {
      await reader.cancel()
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
}

/**
 * The media type of a Content-Type header without its parameters, in lower case.
 * A doubled header arrives joined with a comma and is therefore no media type at all (F17).
 */
export function mediaType(contentType: string | undefined): string {
  const [type = '', ...parameters] = (contentType ?? '').split(';')
  const charset = parameters.map((parameter) => parameter.trim().toLowerCase()).find((p) => p.startsWith('charset='))
  if (charset !== undefined && charset !== 'charset=utf-8' && charset !== 'charset="utf-8"') return ''
  return /^[a-z0-9.+/-]+$/i.test(type.trim()) ? type.trim().toLowerCase() : ''
}
