import { describe, expect, it } from 'vitest'
import { asErrorDescription, errorBody, OAuthError, refused } from './errors.ts'
import { isReason, reasons } from './reasons.ts'

describe('reasons', () => {
  const entries = Object.entries(reasons)

  it.each(entries)('%s can be sent as an error_description (RFC 6749 §5.2)', (_, { what_happened }) => {
    expect(asErrorDescription(what_happened)).toBe(what_happened)
  })

  it.each(entries)('%s has a code and a status that belong together (RFC 6749 §5.2)', (_, { error, status }) => {
    if (error === 'invalid_client' || error === 'invalid_token') expect(status).toBe(401)
    if (error === 'invalid_grant' || error === 'invalid_scope' || error === 'invalid_target') expect(status).toBe(400)
    if (error === 'temporarily_unavailable') expect([429, 503]).toContain(status)
  })

  it('are known by their names, not by names of Object.prototype', () => {
    expect(isReason('code_replayed')).toBe(true)
    expect(isReason('constructor')).toBe(false)
  })
})

describe('refused', () => {
  it('gives the code, status and text of the reason', () => {
    const error = refused('code_expired')
    expect(error).toBeInstanceOf(OAuthError)
    expect(error).toMatchObject({ error: 'invalid_grant', status: 400, reason: 'code_expired' })
  })

  it('gives a body of three members, with the page that explains the reason', () => {
    expect(errorBody('https://as.test', refused('rate_limited', undefined, { retryAfterSeconds: 5 }))).toEqual({
      error: 'temporarily_unavailable',
      error_description: 'Too many requests',
      error_uri: 'https://as.test/errors#rate_limited',
    })
  })

  it('never lets a character through that an error_description cannot have', () => {
    expect(asErrorDescription('a"b\\c\r\nd\u202e')).toBe("a'b?c??d?")
  })
})
