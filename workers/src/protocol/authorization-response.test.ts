import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorRedirect, successRedirect } from './authorization-response.ts'
import { refused } from './errors.ts'
import { proveRedirect } from './redirect-uri.ts'

const issuer = 'https://as.test'

function redirectTo(uri: string) {
  return proveRedirect({ client_id: 'c', kind: 'pre_registered', redirect_uris: [uri] }, uri, {
    privateUseSchemes: [],
    redirectExceptions: new Map(),
  })
}

describe('the authorization response', () => {
  it('A21 carries code, state and iss, each once (RFC 6749 §4.1.2, RFC 9207)', () => {
    const location = successRedirect(redirectTo('https://a.test/cb'), { code: 'mac_x.y', state: 's', issuer })
    expect(location).toBe('https://a.test/cb?code=mac_x.y&state=s&iss=https%3A%2F%2Fas.test')
  })

  it('A20 has no state where the request had none', () => {
    const location = successRedirect(redirectTo('https://a.test/cb'), { code: 'c', state: undefined, issuer })
    expect(new URL(location).searchParams.has('state')).toBe(false)
  })

  it('A21 carries iss with errors, too, and the page that explains them, with the reference', () => {
    const error = refused('consent_denied')
    const location = errorRedirect(redirectTo('https://a.test/cb'), { error, state: 's', issuer, requestId: 'req_1' })
    expect(Object.fromEntries(new URL(location).searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'The person denied the request',
      error_uri: 'https://as.test/errors?reference=req_1#consent_denied',
      state: 's',
      iss: issuer,
    })
  })

  it.each([
    ['https://a.test/cb?x=1', 'https://a.test/cb?x=1&code=c'],
    ['https://a.test/cb?', 'https://a.test/cb?code=c'],
    ['https://a.test/cb?x=1&', 'https://a.test/cb?x=1&code=c'],
    ['https://a.test', 'https://a.test?code=c'],
  ])('keeps the registered string %s (RFC 6749 §3.1.2)', (uri, start) => {
    expect(successRedirect(redirectTo(uri), { code: 'c', state: undefined, issuer }).startsWith(start)).toBe(true)
  })

  it('A19 gives any state back byte for byte, to both kinds of decoder', () => {
    const visible = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })
    fc.assert(
      fc.property(visible, (state) => {
        const { searchParams, search } = new URL(
          successRedirect(redirectTo('https://a.test/cb'), { code: 'c', state, issuer }),
        )
        expect(searchParams.get('state')).toBe(state)
        expect(decodeURIComponent(/[?&]state=([^&]*)/.exec(search)?.[1] ?? '')).toBe(state)
      }),
    )
  })
})
