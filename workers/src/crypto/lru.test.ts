import { expect, test } from 'vitest'
import { createLru } from './lru.ts'

test('a bounded memory forgets what was neither read nor written for longest', () => {
  const memory = createLru<number>({ maximumEntries: 2 })
  memory.set('a', 1)
  memory.set('b', 2)
  expect(memory.get('a')).toBe(1)
  memory.set('c', 3)
  expect([memory.get('a'), memory.get('b'), memory.get('c'), memory.size]).toEqual([1, undefined, 3, 2])
  memory.set('a', 4)
  memory.set('d', 5)
  expect([memory.get('a'), memory.get('c'), memory.get('d')]).toEqual([4, undefined, 5])
  memory.delete('a')
  expect(memory.size).toBe(1)
  memory.clear()
  expect(memory.size).toBe(0)
})
