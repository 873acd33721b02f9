import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lastRelease } from '../changes.ts'
import { checkTag, prepareRelease, readChanges } from '../prepare.ts'
import { contractDigest, lastMigration, readReleased } from '../released.ts'
import { readVersions, root, versionsFor } from '../versions.ts'

const files = [
  ...Object.keys(readVersions()),
  'CHANGELOG.md',
  'release/released.json',
  'sdk/contract',
  'supabase/migrations',
]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'))
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(root, file), join(folder, file), { recursive: true })
  }
  mkdirSync(join(folder, 'changes'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const add = (bump: string) =>
  writeFileSync(join(folder, 'changes/one.md'), `---\nbump: ${bump}\n---\n### Fixed\n\n- A loop.\n`)
const changelog = () => readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')
const caseFile = () => join(folder, 'sdk/contract/scopes.json')

describe('a release', () => {
  test('the first one has the version that stands there, the next one the version that its changes ask for', () => {
    const current = readVersions()['sdk/typescript/package.json'] ?? ''
    add('minor')
    expect(prepareRelease('2026-12-01', folder)).toBe(
      lastRelease(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')) ?? current,
    )
    const [major, minor] = current.split('.').map(Number)
    add('minor')
    const next = `${major}.${Number(minor) + 1}.0`
    expect(prepareRelease('2026-12-02', folder)).toBe(next)
    expect(readVersions(folder)).toEqual(versionsFor(next))
    expect(changelog()).toContain(
      `## [${next}] - 2026-12-02\n\n### Fixed\n\n- A loop.\n\n## [${current}] - 2026-12-01\n`,
    )
  })

  test('takes the change files away, and notes what the one after it is compared with', () => {
    add('patch')
    const version = prepareRelease('2026-12-01', folder)
    expect(readdirSync(join(folder, 'changes'))).toEqual([])
    const noted = { version, last_migration: lastMigration(), contract_sha256: contractDigest() }
    expect(readReleased(folder)).toEqual(noted)
  })

  test('without a change file there is none', () => {
    expect(() => prepareRelease('2026-12-01', folder)).toThrow('no change file')
  })

  test('a patch does not change what both SDKs answer', () => {
    add('patch')
    prepareRelease('2026-12-01', folder)
    writeFileSync(caseFile(), readFileSync(caseFile(), 'utf8').replace('"status": 403', '"status": 401'))
    add('patch')
    const before = changelog()
    expect(() => prepareRelease('2026-12-02', folder)).toThrow('minor change at least')
    expect(changelog()).toBe(before)
    add('minor')
    expect(prepareRelease('2026-12-02', folder)).toMatch(/\.0$/)
  })
})

describe('a tag', () => {
  test('is taken when it names the version that was prepared, and everything is told that does not fit', () => {
    add('minor')
    const version = prepareRelease('2026-12-01', folder)
    expect(() => checkTag(`v${version}`, folder)).not.toThrow()
    expect(() => checkTag(version, folder)).toThrow('no tag of a release')
    expect(() => checkTag('v9.9.9', folder)).toThrow(`has the version ${version}, and the tag is v9.9.9`)
    add('patch')
    expect(() => checkTag(`v${version}`, folder)).toThrow('change files left')
  })

  test('of what was never prepared is refused', () => {
    const { version } = readReleased(folder)
    const current = readVersions(folder)['sdk/typescript/package.json'] ?? ''
    if (version === null)
      expect(() => checkTag(`v${current}`, folder)).toThrow('release/released.json has the version none')
    else expect(() => checkTag(`v${version}`, folder)).not.toThrow()
  })
})

describe('this checkout', () => {
  test('has one version everywhere, and the contract its first two numbers', () => {
    const versions = readVersions()
    expect(versions).toEqual(versionsFor(versions['sdk/typescript/package.json'] ?? ''))
  })

  test('has change files that can be read', () => {
    expect(() => readChanges()).not.toThrow()
  })

  test('notes a release exactly when the changelog has one', () => {
    expect(readReleased().version ?? undefined).toBe(lastRelease(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')))
  })
})
