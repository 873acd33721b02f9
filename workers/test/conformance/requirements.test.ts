import { basename, dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { requirements } from './requirements.ts'
import { idsIn, literals, testFiles, testNames } from './test-names.ts'

const files = testFiles().filter(({ path }) => basename(path) !== 'requirements.test.ts')
const carriers = files.flatMap(({ path, source }) =>
  literals(source)
    .flatMap(idsIn)
    .map((id) => ({ id, path })),
)

describe('requirements and tests', () => {
  it('lists every requirement once', () => {
    const ids = requirements.map(({ id }) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it('has a test for every requirement that is no known gap', () => {
    const tested = new Set(carriers.map(({ id }) => id))
    expect(requirements.filter(({ id, gap }) => gap === undefined && !tested.has(id)).map(({ id }) => id)).toEqual([])
  })

  it('gives a reason for every gap, and no test claims to have closed it', () => {
    const tested = new Set(carriers.map(({ id }) => id))
    expect(requirements.filter(({ id, gap }) => gap !== undefined && (gap.length < 20 || tested.has(id)))).toEqual([])
  })

  it('knows every id that a test carries', () => {
    const known = new Set(requirements.map(({ id }) => id))
    expect(carriers.filter(({ id }) => !known.has(id))).toEqual([])
  })

  it('finds an id in the name of every conformance test', () => {
    const conformance = files.filter(({ path }) => basename(dirname(path)) === 'conformance')
    expect(conformance.length).toBeGreaterThan(0)
    expect(conformance.flatMap(({ source }) => testNames(source)).filter((name) => idsIn(name).length === 0)).toEqual(
      [],
    )
  })
})
