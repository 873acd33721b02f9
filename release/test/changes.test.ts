import { describe, expect, test } from 'vitest'
import { addRelease, type Bump, type Change, lastRelease, nextVersion, parseChange } from '../changes.ts'

const change = (bump: Bump, body = '### Added\n\n- Passkeys.\n'): Change =>
  parseChange('a.md', `---\nbump: ${bump}\n---\n${body}`)
const changelog = `# Changelog

## [Unreleased]

### Fixed

- A typing error.

## [0.1.0] - 2026-11-01

### Added

- Everything.
`

describe('a change file', () => {
  test.each([
    ['a bump that is none', '---\nbump: huge\n---\n### Added\n\n- A.\n', 'bump of patch, minor, major'],
    ['no entry', '---\nbump: patch\n---\n', 'no entry'],
    ['a heading of its own', '---\nbump: patch\n---\n### News\n\n- A.\n', 'the heading News'],
    ['text before its heading', '---\nbump: patch\n---\nHello\n### Added\n\n- A.\n', 'text before its first heading'],
    ['a heading without a list', '---\nbump: patch\n---\n### Added\n\nA.\n', 'no list below Added'],
  ])('with %s is refused, and named', (_, text, complaint) => {
    expect(() => parseChange('passkeys.md', text)).toThrow(/^passkeys\.md /)
    expect(() => parseChange('passkeys.md', text)).toThrow(complaint)
  })
})

describe('the next version', () => {
  test.each([
    ['1.4.2', ['patch', 'patch'], '1.4.3'],
    ['1.4.2', ['patch', 'minor'], '1.5.0'],
    ['1.4.2', ['minor', 'major', 'patch'], '2.0.0'],
    ['0.9.0', ['minor'], '0.10.0'],
  ] as const)('after %s with %j is %s (Semantic Versioning)', (version, wanted, next) => {
    expect(
      nextVersion(
        version,
        wanted.map((bump) => change(bump)),
      ),
    ).toBe(next)
  })
})

describe('the changelog', () => {
  test('gets a release on top, with what waited and what the change files say, heading by heading', () => {
    const fixed = change('patch', '### Fixed\n\n- A loop.\n\n### Security\n\n- A hole.\n')
    const made = addRelease(changelog, [change('minor'), fixed], { version: '0.2.0', date: '2026-12-01' })
    expect(made).toBe(`# Changelog

## [Unreleased]

## [0.2.0] - 2026-12-01

### Added

- Passkeys.

### Fixed

- A typing error.
- A loop.

### Security

- A hole.

## [0.1.0] - 2026-11-01

### Added

- Everything.
`)
    expect(lastRelease(made)).toBe('0.2.0')
  })

  test('says nothing of a release before there is one', () => {
    expect(lastRelease('# Changelog\n\n## [Unreleased]\n')).toBeUndefined()
  })
})
