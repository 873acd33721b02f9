import { describe, expect, it } from 'vitest'
import { parseAuthorizationRequest, readClientId, readState } from './authorization-request.ts'
import { parametersFrom } from './parameters.ts'

const issuer = { issuer: 'https://as.test', issuerIsLoopback: false }
const challenge = 'Xq3d8Ke0Jp2vYw5sBn7tLc9rHf1gMz6aUo4iEyQkTWs'
const good = { response_type: 'code', code_challenge: challenge, code_challenge_method: 'S256' }

function parse(change: Record<string, string | undefined> = {}, more = '') {
  const pairs = Object.entries({ ...good, ...change }).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  )
  return parseAuthorizationRequest(parametersFrom([...pairs, ...new URLSearchParams(more)]), issuer)
}

describe('an authorization request', () => {
  it('needs a response type and an S256 challenge, and nothing else', () => {
    expect(parse()).toEqual({
      state: undefined,
      scope: null,
      resource: undefined,
      code_challenge: challenge,
      nonce: undefined,
      prompt: [],
      max_age_seconds: undefined,
      login_hint: undefined,
    })
  })

  it.each([
    [undefined, 'response_type_missing'],
    ['token', 'response_type_unsupported'],
    ['id_token', 'response_type_unsupported'],
    ['code token', 'response_type_unsupported'],
    ['CODE', 'response_type_unsupported'],
  ])('A11 with response_type %s is refused', (response_type, reason) => {
    expect(() => parse({ response_type })).toThrow(reason)
  })

  it.each(['web_message', 'fragment', 'form_post', 'query.jwt'])('A12 with response_mode %s is refused', (mode) => {
    expect(() => parse({ response_mode: mode })).toThrow('response_mode_unsupported')
  })

  it('takes response_mode query', () => {
    expect(parse({ response_mode: 'query' }).code_challenge).toBe(challenge)
  })

  it.each([undefined, ''])('A13 A18 without a challenge is refused: %j (OAuth 2.1 §4.1.1)', (code_challenge) => {
    expect(() => parse({ code_challenge })).toThrow('code_challenge_missing')
  })

  it.each([undefined, '', 'plain', 's256', 'S512'])('A14 with the method %j is refused', (code_challenge_method) => {
    expect(() => parse({ code_challenge_method })).toThrow('code_challenge_method_unsupported')
  })

  it.each([challenge.slice(1), `${challenge}a`, `${challenge.slice(1)}=`, 'a'.repeat(128)])(
    'A15 with the challenge %j is refused (RFC 7636 §4.2)',
    (code_challenge) => {
      expect(() => parse({ code_challenge })).toThrow('code_challenge_malformed')
    },
  )

  it('A16 with the example of RFC 7636 is refused', () => {
    const code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    expect(() => parse({ code_challenge })).toThrow('code_challenge_published')
  })

  it('A17 with a parameter of two values is refused', () => {
    expect(() => parse({}, 'code_challenge=other')).toThrow('parameter_repeated')
    expect(() => parse({}, 'scope=a&scope=b')).toThrow('parameter_repeated')
  })

  it('A19 keeps its state byte for byte', () => {
    const state = `"><script>${'x'.repeat(4_084)} ~`
    expect(state).toHaveLength(4_096)
    expect(parse({ state }).state).toBe(state)
  })

  it.each(['a\r\nb', 'a\0', 'é', 'x'.repeat(4_097)])(
    'A19 with the state %j is refused (RFC 6749 appendix A.5)',
    (state) => {
      expect(() => parse({ state })).toThrow('state_malformed')
      expect(() => readState(parametersFrom([['state', state]]))).toThrow('state_malformed')
    },
  )

  it.each([
    ['none', 'interaction_required'],
    ['none login', 'prompt_contradictory'],
  ])('A24 with prompt=%s is refused', (prompt, reason) => {
    expect(() => parse({ prompt })).toThrow(reason)
  })

  it('ignores prompts it does not know', () => {
    expect(parse({ prompt: 'consent  create login' }).prompt).toEqual(['login', 'consent'])
  })

  it('A24 tells another defect first', () => {
    expect(() => parse({ prompt: 'none', code_challenge: undefined })).toThrow('code_challenge_missing')
  })

  it.each([
    ['request', 'request_not_supported'],
    ['request_uri', 'request_uri_not_supported'],
    ['registration', 'registration_not_supported'],
  ])('A25 with %s is refused unread (OpenID Connect Core §6)', (name, reason) => {
    expect(() => parse({ [name]: 'https://169.254.169.254/' })).toThrow(reason)
  })

  it('ignores claims, as its metadata says', () => {
    expect(parse({ claims: '{"userinfo":{}}' }).scope).toBeNull()
  })

  it.each(['-1', '1.5', 'NaN', '1e3', '9999999999'])('with max_age=%s is refused', (max_age) => {
    expect(() => parse({ max_age })).toThrow('max_age_malformed')
  })

  it('reads the rest of OpenID Connect Core §3.1.2.1', () => {
    const read = parse({ max_age: '0', nonce: 'n-1', login_hint: 'a@b.test', scope: 'openid  email' })
    expect(read).toMatchObject({ max_age_seconds: 0, nonce: 'n-1', login_hint: 'a@b.test', scope: ['openid', 'email'] })
  })

  it('drops a login_hint that can be no address, and refuses a nonce that cannot be given back', () => {
    expect(parse({ login_hint: 'a\nb' }).login_hint).toBeUndefined()
    expect(() => parse({ nonce: 'x'.repeat(513) })).toThrow('nonce_malformed')
  })
})

describe('the client_id', () => {
  const read = (query: string) => readClientId(parametersFrom(new URLSearchParams(query)))

  it('A17 is read first, and never from two values', () => {
    expect(read('client_id=a')).toBe('a')
    expect(() => read('')).toThrow('client_id_missing')
    expect(() => read('client_id=a&client_id=b')).toThrow('parameter_repeated')
  })

  it('A26 has at most 2048 visible characters', () => {
    expect(() => read(`client_id=${'a'.repeat(2_049)}`)).toThrow('client_unknown')
    expect(() => read('client_id=a%0d%0ab')).toThrow('client_unknown')
  })
})
