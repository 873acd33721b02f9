import { describe, expect, it } from 'vitest'
import { parseOptions } from '../src/config.ts'
import type { Introspect } from '../src/introspection.ts'
import { createLru } from '../src/lru.ts'
import { createSingleFlight } from '../src/single-flight.ts'
import { createVerifyToken } from '../src/verify-token.ts'
import { activeAnswer, makeOptions, makeToken } from './support.ts'

describe('what is remembered', () => {
  it('L7 100,000 random tokens neither push out a good one nor pile up', async () => {
    const good = makeToken()
    const user = { sub: 'a', issuer: 'i', scopes: [], client_id: 'c', expiresAtSeconds: Number.POSITIVE_INFINITY }
    const asked = new Map<string, number>()
    const introspect: Introspect = async (token) => {
      asked.set(token, (asked.get(token) ?? 0) + 1)
      return token === good ? { outcome: 'active', audience: 'here', user } : { outcome: 'inactive', definite: true }
    }
    const { verify, recall } = createVerifyToken(
      parseOptions(makeOptions(() => activeAnswer()).options),
      introspect,
      () => 0,
    )
    const [header, payload] = good.split('.')
    const random = (number: number) => `${header}.${payload}.${String(number).padStart(86, 'A')}`
    expect((await verify(good, 'here')).outcome).toBe('active')
    for (let number = 0; number < 100_000; number++) await verify(random(number), 'here')
    expect((await verify(good, 'here')).outcome).toBe('active')
    expect(recall(good)).toBe(user)
    expect(asked.get(good)).toBe(1)
    // Bounded: the newest is remembered, the oldest was forgotten and is asked about again.
    await verify(random(99_999), 'here')
    await verify(random(0), 'here')
    expect([asked.get(random(99_999)), asked.get(random(0))]).toEqual([1, 2])
  })

  it('L7 forgets what was not used for longest, and never holds more than its capacity', () => {
    const lru = createLru<number>(100)
    for (let number = 0; number < 1000; number++) {
      lru.set(String(number), number)
      expect(lru.get('0'), `after ${number} others`).toBe(0)
      expect(lru.size()).toBeLessThanOrEqual(100)
    }
    expect([lru.get('999'), lru.get('950'), lru.get('899')]).toEqual([999, 950, undefined])
  })

  it('L7 holds one value a key, the last one, and none that was deleted', () => {
    const lru = createLru<number>(4)
    for (const [key, value] of Object.entries({ a: 1, b: 2, c: 3 })) lru.set(key, value)
    lru.set('a', 4)
    expect([lru.get('a'), lru.size()]).toEqual([4, 3])
    lru.delete('a')
    lru.delete('c')
    expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([undefined, 2, undefined])
  })
})

describe('calls shared by several requests', () => {
  it('L8 nobody hangs on a call that never ends, and it is not joined for ever', async () => {
    let nowMs = 0
    const once = createSingleFlight<string>(20, () => nowMs, 'late')
    const dead = new Promise<string>(() => undefined)
    expect(await Promise.all([once('key', () => dead), once('key', () => dead)])).toEqual(['late', 'late'])
    nowMs = 21
    expect(await once('key', async () => 'fresh')).toBe('fresh')
  })

  it('L8 runs one call a key at a time', async () => {
    let calls = 0
    const once = createSingleFlight<number>(1000, () => 0, -1)
    const start = async () => ++calls
    expect(await Promise.all([once('a', start), once('a', start), once('b', start)])).toEqual([1, 1, 2])
    expect(await once('a', start)).toBe(3)
  })

  it('a call that fails fails for all who share it, once', async () => {
    const once = createSingleFlight<number>(1000, () => 0, -1)
    const fail = () => Promise.reject(new Error('no'))
    const results = await Promise.allSettled([once('a', fail), once('a', fail)])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected'])
    expect(await once('a', async () => 7)).toBe(7)
  })
})
