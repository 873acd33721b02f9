import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { testDatabase } from './support/database.ts'

const database = await testDatabase()

test('every function file holds one function of its own name, a header with its outcomes, and its grant (STYLE 17)', async () => {
  const folder = new URL('../schemas/functions/', import.meta.url)
  for (const fileName of await readdir(folder)) {
    const text = await readFile(new URL(fileName, folder), 'utf8')
    const name = fileName.replace('.sql', '').replaceAll('-', '_')
    const made = [...text.matchAll(/^create or replace function (mcp|mcp_data)\.(\w+)\(/gm)]
    expect(
      made.map((match) => match[2]),
      fileName,
    ).toEqual([name])
    expect(text.startsWith('-- '), fileName).toBe(true)
    if (made[0]?.[1] === 'mcp') {
      expect(text, fileName).toContain('-- outcomes: ')
      expect(text, fileName).toMatch(
        new RegExp(`^grant execute on function mcp\\.${name}\\(.*\\) to mcp_(worker|operator);\\n$`, 'm'),
      )
    }
  }
})

test('every function of schema mcp has a test file of its own', async () => {
  const tests = new Set(await readdir(import.meta.dirname))
  const names = (await database.query("select proname from pg_proc where pronamespace = 'mcp'::regnamespace")).map(
    (row) => String(row.proname),
  )
  expect(names.filter((name) => !tests.has(`${name.replaceAll('_', '-')}.test.ts`))).toEqual([])
})
