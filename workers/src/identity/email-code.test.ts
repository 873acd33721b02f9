import { describe, expect, it } from 'vitest'
import { emailCodeMethod, readEmailCode } from './email-code.ts'

describe('e-mail code', () => {
  it('C14 makes codes of 8 digits with leading zeros kept (SECURITY §15)', () => {
    const { newCode } = emailCodeMethod()
    for (let round = 0; round < 200; round++) expect(newCode()).toMatch(/^[0-9]{8}$/)
  })

  it('forgives spaces and hyphens between the digits, as mail programs insert them', () => {
    expect(readEmailCode(' 1234 5678 ')).toBe('12345678')
    expect(readEmailCode('1234-5678')).toBe('12345678')
  })

  it('reads nothing else as a code', () => {
    for (const typed of ['', '1234567', '123456789', '1234567a', '１２３４５６７８', '1234.5678', '+12345678'])
      expect(readEmailCode(typed)).toBeUndefined()
  })
})
