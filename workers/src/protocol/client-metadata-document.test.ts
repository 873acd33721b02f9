import { describe, expect, test } from 'vitest'
import { readClientDocument } from './client-metadata-document.ts'

const url = 'https://good.dev/oauth/client.json'
const rules = {
  privateUseSchemes: ['cursor'],
  allowLoopback: false,
  redirectExceptions: new Map([['https://claude.ai', ['https://claude.com']]]),
}
const document = {
  client_id: url,
  client_name: 'Good client',
  redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
}
const read = (changes: Record<string, unknown> = {}, at = url) =>
  readClientDocument({ ...document, ...changes }, at, rules)
const keys = { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] }

describe('client ID metadata documents (MCP 2026-07-28, Client Registration)', () => {
  test('a minimal document is a public client', () => {
    expect(read()).toMatchObject({
      client_id: url,
      kind: 'metadata_document',
      token_endpoint_auth_method: 'none',
      redirect_uris: document.redirect_uris,
    })
  })

  test.each([
    ['https://good.dev/oauth/client.json/', url],
    [url, 'https://good.dev/oauth/client.JSON'],
    ['https://good.dev:443/oauth/client.json', url],
    [undefined, url],
  ])('E9 refuses client_id %s at %s: byte equality', (client_id, at) => {
    expect(() => read({ client_id }, at)).toThrow(/character by character/)
  })

  test.each([{ client_secret: 'x' }, { d: 'x' }, { k: 'x' }, { jwks: { keys: [{ kty: 'EC', d: 'x' }] } }])(
    'E11 refuses a document with the secret %j',
    (change) => {
      expect(() => read(change)).toThrow()
    },
  )

  test('E12 leaves out an https redirect to another origin, not the document', () => {
    const redirect_uris = ['https://evil.dev/cb', 'https://good.dev/cb', 'http://localhost/callback']
    expect(read({ redirect_uris }).redirect_uris).toEqual(['https://good.dev/cb', 'http://localhost/callback'])
    expect(() => read({ redirect_uris: ['https://evil.dev/cb'] })).toThrow(/same origin/)
  })

  test('E12 a configured exception lets one vendor use its second origin', () => {
    const at = 'https://claude.ai/oauth/client.json'
    const redirect_uris = ['https://claude.com/api/mcp/auth_callback', 'https://evil.dev/cb']
    expect(read({ client_id: at, redirect_uris }, at).redirect_uris).toEqual([
      'https://claude.com/api/mcp/auth_callback',
    ])
  })

  test.each([
    [{ token_endpoint_auth_method: 'private_key_jwt', jwks: keys }, 'private_key_jwt'],
    [{ token_endpoint_auth_method: 'none' }, 'none'],
    [
      { token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'], jwks_uri: 'https://good.dev/jwks' },
      'private_key_jwt',
    ],
    [{ token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] }, 'none'],
    [
      { token_endpoint_auth_method: 'none', token_endpoint_auth_methods_supported: ['private_key_jwt'], jwks: keys },
      'private_key_jwt',
    ],
  ])('picks the strongest method of %j (RP Metadata Choices)', (change, method) => {
    expect(read(change).token_endpoint_auth_method).toBe(method)
  })

  test.each(['client_secret_basic', 'client_secret_post', 'private_key_jwt'])(
    'refuses %s where it cannot work',
    (token_endpoint_auth_method) => {
      expect(() => read({ token_endpoint_auth_method })).toThrow(/public document/)
    },
  )

  test('client_name is required', () => {
    expect(() => read({ client_name: '' })).toThrow(/client_name is missing/)
  })
})
