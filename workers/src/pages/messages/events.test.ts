import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { en } from './en.ts'

const functions = join(import.meta.dirname, '../../../../supabase/schemas/functions')

/** What the database's functions write. */
const events = globSync('*.sql', { cwd: functions })
  // What owners are told of has names of its own.
  .filter((file) => file !== 'webhook-event.sql')
  .flatMap((file) => [...readFileSync(join(functions, file), 'utf8').matchAll(/'([a-z_]+\.[a-z_]+)'/g)])
  .map(([, name = '']) => name)
  .filter((name) => !name.startsWith('mcp_data.'))

describe('activity', () => {
  it('has words for every event that is about a person (SECURITY §28)', () => {
    // Keys are refused to programs, and end by themselves: neither has an account. Nor has what an operator does to all.
    const impersonal = ['key.refused', 'key.expiring']
    const unsaid = events.filter(
      (event) => !Object.hasOwn(en.events, event) && !impersonal.includes(event) && !event.startsWith('operator.'),
    )
    expect(unsaid).toEqual([])
    expect(Object.keys(en.events).filter((event) => !events.includes(event))).toEqual([])
  })
})
