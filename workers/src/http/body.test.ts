import { describe, expect, it } from 'vitest'
import { BODY_LIMIT_BYTES, mediaType, readBodyText } from './body.ts'

function post(body: BodyInit, headers: Record<string, string> = {}): Request {
  return new Request('https://as.test/token', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
}

function chunks(count: number, sizeBytes: number, onPull: () => void = () => undefined): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      onPull()
      if (sent === count) return controller.close()
      sent += 1
      controller.enqueue(new Uint8Array(sizeBytes).fill(97))
    },
  })
}

describe('the body of a request', () => {
  it('is read whole up to the limit', async () => {
    expect(await readBodyText(post('a'.repeat(BODY_LIMIT_BYTES)))).toHaveLength(BODY_LIMIT_BYTES)
  })

  it('F21 is refused by its Content-Length before a byte is read', async () => {
    const request = post('a'.repeat(BODY_LIMIT_BYTES + 1), { 'content-length': String(BODY_LIMIT_BYTES + 1) })
    expect(await readBodyText(request)).toBeUndefined()
  })

  it('F21 D10 is refused while it streams, without reading on', async () => {
    let pulls = 0
    const megabyte = post(
      chunks(1024, 1024, () => {
        pulls += 1
      }),
    )
    expect(await readBodyText(megabyte)).toBeUndefined()
    expect(pulls).toBeLessThan(25)
  })

  it.each([
    ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded'],
    ['Application/JSON; charset=UTF-8', 'application/json'],
    ['application/json; charset=utf-16', ''],
    ['application/json, text/plain', ''],
    [undefined, ''],
  ])('F17 has the media type %s', (header, type) => {
    expect(mediaType(header)).toBe(type)
  })
})
