import type { TestDatabase } from './database.ts'

/** The ids of each page, from the first page to the last. */
export async function pagesOf(
  database: TestDatabase,
  list: string,
  member: string,
  p_limit: number,
  args: Record<string, unknown>,
): Promise<string[][]> {
  const idOf = { keys: 'key_id', servers: 'server_id', offers: 'server_id', tokens: 'token_id' }[member] ?? ''
  const pages: string[][] = []
  let next: unknown = null
  do {
    const answer = await database.call(list, { ...args, p_before: next, p_limit })
    pages.push((answer[member] as Record<string, unknown>[]).map((row) => String(row[idOf])))
    next = answer.next
  } while (next !== undefined)
  return pages
}
