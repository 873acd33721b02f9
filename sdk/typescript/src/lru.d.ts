/** A bounded memory that forgets what was not used for longest. */
export type Lru<V> = {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  size(): number
}
export declare function createLru<V>(capacity: number): Lru<V>
