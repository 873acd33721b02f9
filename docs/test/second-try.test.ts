import { expect, test } from 'vitest'
import { type TestFile, withSecondTry } from '../../scripts/second-try.mjs'

const passed = (project: string, name = project): TestFile => ({
  path: `/${name}.test.ts`,
  project,
  name,
  passed: 2,
  skipped: 0,
  failures: [],
})
const failed = (project: string, name = project): TestFile => ({
  ...passed(project, name),
  passed: 1,
  failures: [`${name} > waits`],
})

async function trySecond(files: readonly TestFile[], second: (file: TestFile) => TestFile, outside: string[] = []) {
  const said: string[] = []
  const ran: string[] = []
  const counted = await withSecondTry(
    files,
    async (file) => {
      ran.push(file.name)
      return { files: [second(file)], outside }
    },
    (line) => said.push(line),
  )
  return { counted, said, ran }
}

const mended = ({ project, name }: TestFile) => passed(project, name)

test('a file that passes alone counts as passed, and is named', async () => {
  const { counted, said, ran } = await trySecond([passed('sql'), failed('browser')], mended)
  expect(counted).toEqual([passed('sql'), passed('browser')])
  expect([said, ran]).toEqual([['↻ browser > waits: failed beside other layers, passed alone'], ['browser']])
})

test('what fails twice has failed, and so has what leaves an error outside of every test', async () => {
  const files = [failed('browser')]
  expect(await trySecond(files, (file) => file)).toMatchObject({ counted: files, said: [] })
  expect(await trySecond(files, mended, ['unhandled'])).toMatchObject({ counted: files, said: [] })
})

test.each(['unit', 'sql', 'races', 'sdk', 'example'])('the layer %s has one try', async (project) => {
  const files = [failed(project), failed('browser')]
  expect(await trySecond(files, mended)).toEqual({ counted: files, said: [], ran: [] })
})

test('four files that fail are no bad luck', async () => {
  const files = ['a', 'b', 'c', 'd'].map((name) => failed('browser', name))
  expect(await trySecond(files, mended)).toEqual({ counted: files, said: [], ran: [] })
})
