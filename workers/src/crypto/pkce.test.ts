import { describe, expect, it } from 'vitest'
import { isCodeChallenge, isCodeVerifier, isPublishedChallenge, s256 } from './pkce.ts'

describe('PKCE', () => {
  it('makes the challenge of RFC 7636 appendix B', async () => {
    expect(await s256('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    )
  })

  it('A16 knows the published examples by their verifiers', async () => {
    expect(isPublishedChallenge(await s256('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'))).toBe(true)
    expect(isPublishedChallenge(await s256('3641a2d12d66101249cdf7a79c000c1f8c05d2aafcf14bf146497bed'))).toBe(true)
    expect(isPublishedChallenge(await s256('a'.repeat(43)))).toBe(false)
  })

  it.each([43, 128])('F8 takes a verifier of %i characters (RFC 7636 §4.1)', (length) => {
    expect(isCodeVerifier('~'.repeat(length))).toBe(true)
  })

  it.each(['a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(42)}+`, `${'a'.repeat(42)}=`, `${'a'.repeat(43)}\n`, ''])(
    'F8 refuses the verifier %j',
    (verifier) => {
      expect(isCodeVerifier(verifier)).toBe(false)
    },
  )

  it.each([42, 44, 128])('A15 refuses a challenge of %i characters', (length) => {
    expect(isCodeChallenge('a'.repeat(length))).toBe(false)
  })

  it.each([`${'a'.repeat(42)}=`, `${'a'.repeat(42)}.`, `${'a'.repeat(42)}+`])(
    'A15 refuses the challenge %j',
    (challenge) => {
      expect(isCodeChallenge(challenge)).toBe(false)
    },
  )
})
