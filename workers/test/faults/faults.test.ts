import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testNames } from '../conformance/test-names.ts'
import { faults } from './faults.ts'

function testsIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.test.ts') && name !== 'faults.test.ts')
  return names.map((name) => readFileSync(join(folder, name), 'utf8'))
}
const sources = testsIn(import.meta.dirname)
// What the platform alone can do wrong is done to a binding, inside workerd.
const elsewhere = testsIn(join(import.meta.dirname, '../attacks'))
const idsIn = (text: string) => [...text.matchAll(/\[([a-z]+(?:_[a-z]+)+)\]/g)].map(([, id = '']) => id)

test('every fault of the page is injected by a test, or by the row of one', () => {
  // The rows of `test.each` name theirs as a word of its own.
  const injected = [...sources, ...elsewhere].flatMap((source) => [
    ...idsIn(source),
    ...[...source.matchAll(/\['(\w+)',/g)].map(([, id]) => id),
  ])
  expect(faults.filter(({ id }) => !injected.includes(id)).map(({ id }) => id)).toEqual([])
})

test('every test here says which fault it injects, and the page knows it', () => {
  const known = ['%s', ...faults.map(({ id }) => id)]
  for (const name of sources.flatMap(testNames)) {
    const ids = name.includes('[%s]') ? ['%s'] : idsIn(name)
    expect([name, ids.length > 0 && ids.every((id) => known.includes(id))]).toEqual([name, true])
  }
})
