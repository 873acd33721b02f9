import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalUrl, parseResource } from './resource.ts'

const away = { issuer: 'https://as.test', issuerIsLoopback: false }
const local = { issuer: 'http://localhost:9400', issuerIsLoopback: true }

describe('the resource parameter', () => {
  it.each([
    ['https://h.test/mcp', 'https://h.test/mcp'],
    ['HTTPS://H.Test/mcp', 'https://h.test/mcp'],
    ['https://h.test:443/mcp', 'https://h.test/mcp'],
    ['https://h.test/', 'https://h.test'],
    ['https://h.test', 'https://h.test'],
    ['https://h.test:8443/mcp', 'https://h.test:8443/mcp'],
    ['https://h.test/MCP/', 'https://h.test/MCP/'],
    ['https://h.test/a%20b', 'https://h.test/a%20b'],
  ])('K3 is read canonically: %s is %s', (value, resource) => {
    expect(parseResource([value], away)?.resource).toBe(resource)
  })

  it.each([
    'https://h.test/mcp/..',
    'https://h.test/./mcp',
    'https://h.test/a/%2e%2e/b',
    'https://h.test/mcp%2F',
    'https://h.test/mcp%5c',
    'https://h.test/a//b',
    'https://h.test/mcp?x',
    'https://h.test/mcp#f',
    'https://h.test/m cp',
    'https://h.test/%zz',
    'https://h.test\\mcp',
    'mcp',
    '/mcp',
    'urn:x:y',
    'ftp://h.test/mcp',
    `https://h.test/${'a'.repeat(2_048)}`,
    `https://h.test${'/a'.repeat(33)}`,
  ])('K3 is refused when it is ambiguous: %s', (value) => {
    expect(() => parseResource([value], away)).toThrow('resource_malformed')
  })

  it.each([
    'https://u@h.test',
    'https://u:p@h.test',
    'https://h.test.',
    'https://.h.test',
    'https://h..test',
    'https://h_x.test',
    'https://[::2]/mcp',
    'https://h.test:0',
    'https://h.test:65536',
    'https://h.test:',
    'https://ḧ.test',
    'https:///mcp',
  ])('K4 is refused when its host is unclear: %s', (value) => {
    expect(() => parseResource([value], away)).toThrow('resource_malformed')
  })

  it('K2 may stand once only, or twice the same (RFC 8707 §2)', () => {
    expect(() => parseResource(['https://a.test', 'https://b.test'], away)).toThrow('resource_repeated')
    expect(parseResource([], away)).toBeUndefined()
  })

  it('K6 is https, or http on loopback where the issuer is there too', () => {
    expect(() => parseResource(['http://h.test/mcp'], away)).toThrow('resource_malformed')
    expect(() => parseResource(['http://h.test/mcp'], local)).toThrow('resource_malformed')
    expect(() => parseResource(['http://localhost:9401/mcp'], away)).toThrow('resource_malformed')
    expect(parseResource(['http://localhost:9401/mcp'], local)?.resource).toBe('http://localhost:9401/mcp')
    expect(parseResource(['http://LOCALHOST:80/'], local)?.resource).toBe('http://localhost')
  })

  it('K5 gives its prefixes at path-segment boundaries only, longest first', () => {
    expect(parseResource(['https://h.test/a/bc/d'], away)?.candidates).toEqual([
      'https://h.test/a/bc/d',
      'https://h.test/a/bc/',
      'https://h.test/a/bc',
      'https://h.test/a/',
      'https://h.test/a',
      'https://h.test',
    ])
  })

  it('maps a trailing slash to the path without it', () => {
    expect(parseResource(['https://h.test/mcp/'], away)?.candidates).toEqual([
      'https://h.test/mcp/',
      'https://h.test/mcp',
      'https://h.test',
    ])
  })

  it('says when it is an origin alone', () => {
    expect(parseResource(['https://h.test/'], away)).toMatchObject({ is_origin: true, candidates: ['https://h.test'] })
    expect(parseResource(['https://h.test/mcp'], away)).toMatchObject({ is_origin: false })
  })

  it('is idempotent, and never leaves its origin', () => {
    fc.assert(
      fc.property(fc.webUrl(), (value) => {
        const url = canonicalUrl(value)
        if (url === undefined) return
        const spelled = `${url.origin}${url.path}`
        expect(canonicalUrl(spelled)).toEqual(url)
        expect(new URL(spelled).origin).toBe(new URL(value).origin)
      }),
    )
  })
})
