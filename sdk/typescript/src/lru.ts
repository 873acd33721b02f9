/** A bounded memory that forgets first what was not used for longest. */
export type Lru<V> = {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  size(): number
}

/**
 * Two generations of half the capacity: what is used moves to the young one, and when that is full, the old one is
 * forgotten as a whole. So a hit on a young entry, which is the usual thing, changes nothing; moving each used entry to
 * the end of one Map would cost more than the hash of its key.
 */
export function createLru<V>(capacity: number): Lru<V> {
  let young = new Map<string, V>()
  let old = new Map<string, V>()
  const set = (key: string, value: V) => {
    if (young.size >= capacity / 2 && !young.has(key)) {
      old = young
      young = new Map()
    }
    young.set(key, value)
    old.delete(key)
  }
  return {
    get(key) {
      const value = young.get(key)
      if (value !== undefined) return value
      const aged = old.get(key)
      if (aged !== undefined) set(key, aged)
      return aged
    },
    set,
    delete(key) {
      young.delete(key)
      old.delete(key)
    },
    size: () => young.size + old.size,
  }
}
