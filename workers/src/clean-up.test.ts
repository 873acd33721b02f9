import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { defaultRetention } from './config-defaults.ts'

it('keeps ended things as long as the database does by itself (M18)', () => {
  const file = join(import.meta.dirname, '../../supabase/schemas/functions/clean-up.sql')
  const inDatabase = /r jsonb := '(\{[^']*\})'/.exec(readFileSync(file, 'utf8'))?.[1] ?? ''
  expect(JSON.parse(inDatabase)).toEqual(defaultRetention)
})
