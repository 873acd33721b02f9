import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTokenHeader } from '../src/access-token.ts'
import { writeChallenge } from '../src/answers.ts'
import { readBearerToken } from '../src/bearer.ts'
import { parseIssuer, parseServerUrl } from '../src/fixed-url.ts'
import { fromFetch } from '../src/incoming.ts'
import { collectJson, type JsonText } from '../src/json-text.ts'
import { readMessages } from '../src/rpc-messages.ts'
import { heldScopes, holdsAll, isScopeToken } from '../src/scopes.ts'

const oneOf = (letters: string) => fc.constantFrom(...letters)
const b64token = fc.string({ unit: oneOf('ABCxyz019-._~+/'), minLength: 1 })
const scope = fc
  .string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), minLength: 1 })
  .filter((text) => !/["\\]/.test(text))

describe('the Authorization header', () => {
  it('L11 whatever it holds, a token is found only as Bearer, spaces, b64token (RFC 6750 §2.1)', () => {
    const tricky = fc.oneof(
      fc.string(),
      fc
        .array(fc.oneof(fc.constantFrom('Bearer', 'bearer', ' ', '\t', ',', '=', '"', 'Basic'), b64token))
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(tricky, (header) => {
        const read = readBearerToken(header)
        const match = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(header)
        expect(read.outcome === 'present' ? read.token : undefined).toBe(match?.[1])
      }),
      { numRuns: 2000 },
    )
  })

  it('L11 finds every b64token behind every spelling of the scheme', () => {
    const spelled = fc.tuple(
      fc.mixedCase(fc.constant('bearer')),
      fc.integer({ min: 1, max: 9 }),
      b64token,
      fc.integer({ min: 0, max: 2 }),
    )
    fc.assert(
      fc.property(spelled, ([scheme, spaces, token, padding]) => {
        const wanted = token + '='.repeat(padding)
        expect(readBearerToken(scheme + ' '.repeat(spaces) + wanted)).toEqual({ outcome: 'present', token: wanted })
      }),
    )
  })

  it.each([' ', '\t', 'A', '=', ',', 'Bearer ', 'A='])(
    'L12 reads a megabyte of %j without going over it twice',
    (part) => {
      // A pattern that backtracks would need hours for this, and the test would end by its time limit.
      const flood = part.repeat(1_000_000 / part.length)
      expect(readBearerToken(`Bearer ${flood}!`).outcome).toBe('malformed')
      expect(readBearerToken(`Bearer${flood}\u0000`).outcome).not.toBe('present')
      expect(readTokenHeader(flood)).toBeUndefined()
    },
  )
})

describe('the shape of a token', () => {
  it('L8 anything may be asked, nothing throws, and nothing random passes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: oneOf('ey.AbJ-_=') })),
        (text) => readTokenHeader(text) === undefined,
      ),
      {
        numRuns: 2000,
      },
    )
  })
})

describe('the challenge', () => {
  it('K9 every scope of RFC 6749 §3.3 can be read back from the header as it was', () => {
    fc.assert(
      fc.property(fc.uniqueArray(scope), (scopes) => {
        const header = writeChallenge({
          error: 'insufficient_scope',
          description: 'x',
          scopes,
          metadataUrl: 'https://a/b',
        })
        expect([...new Headers({ h: header }).values()]).toEqual([header])
        const parameters = Object.fromEntries(
          [...header.matchAll(/([a-z_]+)="([^"\\]*)"/g)].map(([, name, value]) => [name, value]),
        )
        expect(parameters.scope ?? '').toBe(scopes.join(' '))
        expect(parameters.resource_metadata).toBe('https://a/b')
      }),
    )
  })

  it('K9 the grammar of scopes has no space, quote, backslash, control or foreign character', () => {
    fc.assert(
      fc.property(
        fc.string(),
        (text) =>
          isScopeToken(text) ===
          (text !== '' &&
            [...text].every((letter) => letter > ' ' && letter <= '~' && letter !== '"' && letter !== '\\')),
      ),
    )
  })
})

describe('scopes', () => {
  it('L10 a scope is held only if it, or one that implies it, was granted', () => {
    fc.assert(
      fc.property(fc.array(scope), scope, (granted, needed) => {
        const held = heldScopes(granted, new Map())
        expect(holdsAll(held, [needed])).toBe(granted.includes(needed))
        expect(holdsAll(held, granted)).toBe(true)
      }),
    )
  })
})

describe('configured URLs', () => {
  it('L22 never lets http through to another machine, whatever the spelling', () => {
    const host = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.constantFrom(
        'localhost',
        'localhost.evil.example',
        '127.0.0.1.evil.example',
        'LOCALHOST',
        '127.1',
        '0x7f.1',
        '[::1]',
        '[::ffff:7f00:1]',
      ),
    )
    fc.assert(
      fc.property(
        host,
        fc.constantFrom('http://', 'HTTP://', 'https://'),
        fc.constantFrom('', ':80', ':9400', '/x'),
        (name, scheme, rest) => {
          const url = parseIssuer(`${scheme}${name}${rest}`)
          if (typeof url === 'string' || url.href.startsWith('https://')) return
          expect(['localhost', '127.0.0.1', '[::1]']).toContain(new URL(url.href).hostname)
        },
      ),
    )
  })

  it('a canonical URL stays what it is', () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ['https'] }), (text) => {
        const url = parseServerUrl(text)
        if (typeof url !== 'string') expect(parseServerUrl(url.href)).toEqual(url)
      }),
    )
  })
})

describe('the body of a request', () => {
  const post = (body: BodyInit) => new Request('https://mcp.example/mcp', { method: 'POST', body })
  const decorated = fc.tuple(
    fc.string({ unit: oneOf(' \t\r\n'), maxLength: 9 }),
    fc.json(),
    fc.string({ maxLength: 9 }),
  )

  it('finds the tool however the JSON around it is written, and leaves the body whole', async () => {
    await fc.assert(
      fc.asyncProperty(decorated, async ([space, extra, name]) => {
        const body = `${space}{"x":${extra},${space}"method":"tools/call","params":{"y":${extra},"name":${JSON.stringify(name)}}}${space}`
        const request = post(body)
        const read = await readMessages(fromFetch(request), 1_000_000)
        expect(read).toMatchObject({ outcome: 'read', messages: [{ method: 'tools/call', params: { name } }] })
        expect(await request.text()).toBe(new TextDecoder().decode(new TextEncoder().encode(body)))
      }),
    )
  })

  it('never throws for any bytes, and says "read" only of JSON or of what does not begin like it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), async (bytes) => {
        const read = await readMessages(fromFetch(post(new Uint8Array(bytes))), 1_000_000)
        expect(['read', 'not_json']).toContain(read.outcome)
      }),
    )
  })

  it('is the same in whatever pieces it comes', () => {
    const texts = fc.string({ unit: fc.constantFrom('\ufeff', ' ', '\n', '{', '[', 'x', 'é', '🗝'), maxLength: 9 })
    const ends = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 40, maxLength: 40 })
    fc.assert(
      fc.property(texts, ends, (text, sizes) => {
        const bytes = new TextEncoder().encode(text)
        const collected = collectJson(1000)
        let stopped: JsonText | undefined
        for (let at = 0, turn = 0; at < bytes.length && stopped === undefined; at += sizes[turn++] ?? 1) {
          stopped = collected.push(bytes.subarray(at, at + (sizes[turn] ?? 1)))
        }
        const plain = text.replace(/^\ufeff/, '').replace(/^[ \n]+/, '')
        const wanted = plain === '' ? 'empty' : /^[{[]/.test(plain) ? 'text' : 'other'
        const read = stopped ?? collected.end()
        expect(read.outcome).toBe(wanted)
        if (read.outcome === 'text') expect(read.text).toBe(text.replace(/^\ufeff/, ''))
      }),
      { numRuns: 1000 },
    )
  })

  it('L12 costs linear time in however small pieces it comes', () => {
    // Copied at every piece, 4 MiB of single bytes would be hours, and the test would end by its time limit.
    for (const byte of [0x20, 0x7b]) {
      const collected = collectJson(4_194_304)
      for (let index = 0; index < 4_194_304; index++) collected.push(Uint8Array.of(byte))
      expect(collected.bytes().byteLength).toBe(4_194_304)
      expect(collected.push(Uint8Array.of(byte))).toEqual({ outcome: 'too_large' })
    }
  })
})
