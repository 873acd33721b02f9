import { expect, test } from 'vitest'
import { soak } from '../../soak/soak.ts'

// The form of `npm run soak` that every run can bear: counts, and nothing about time or memory.
test('mixed load with one fault after the other: nothing fails that was not made to, and every row and event is there once', async () => {
  const { ledger, counts } = await soak({
    seconds: 20,
    perSecond: 30,
    connections: 8,
    calmMs: 1_000,
    faultMs: 700,
  })
  expect(ledger.notInjected).toEqual([])
  expect(counts.filter(({ expected, found }) => expected !== found)).toEqual([])
  expect(ledger.injected).toBeGreaterThan(0)
  expect(new Set(ledger.windows.map(({ kind }) => kind)).size).toBeGreaterThan(2)
  const zero = ['introspect', 'refresh', 'userinfo', 'register', 'exchange'].filter((name) => !ledger.done.get(name))
  expect(zero).toEqual([])
})
