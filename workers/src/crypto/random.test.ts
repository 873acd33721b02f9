import { describe, expect, it } from 'vitest'
import * as random from './random.ts'

function draw(count: number, make: () => string): string[] {
  return Array.from({ length: count }, make)
}

describe('randomness', () => {
  it.each([
    ['connection ids', random.newConnectionId, /^[A-Za-z0-9_-]{22}$/],
    ['transaction ids', random.newTransactionId, /^[A-Za-z0-9_-]{22}$/],
    ['secrets', random.newSecret, /^[A-Za-z0-9_-]{43}$/],
    ['token nonces', random.newTokenNonce, /^[A-Za-z0-9_-]{16}$/],
    ['server ids', random.newServerId, /^srv_[0-9A-Za-z]{22}$/],
    ['e-mail codes', random.newEmailCode, /^[0-9]{8}$/],
  ])('makes %s of one shape', (_, make, shape) => {
    for (const value of draw(200, make)) expect(value).toMatch(shape)
  })

  it('F30 makes no secret twice', () => {
    expect(new Set(draw(100_000, random.newSecret)).size).toBe(100_000)
  })

  it('C1 draws each digit of a code as often as any other', () => {
    const counts = new Map<string, number>()
    for (const digit of draw(100, () => random.randomDigits(1_000)).join(''))
      counts.set(digit, (counts.get(digit) ?? 0) + 1)
    // Ten thousand each, give or take six standard deviations.
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(600)
    expect(counts.size).toBe(10)
  })

  it('draws each base62 character as often as any other', () => {
    const counts = new Map<string, number>()
    for (const character of draw(124, () => random.randomBase62(1_000)).join(''))
      counts.set(character, (counts.get(character) ?? 0) + 1)
    for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(280)
    expect(counts.size).toBe(62)
  })
})
