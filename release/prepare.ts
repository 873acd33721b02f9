import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addRelease, type Change, lastRelease, nextVersion, parseChange } from './changes.ts'
import { contractDigest, lastMigration, readReleased, releasedFile } from './released.ts'
import { readVersions, root, type Versions, versionsFor, writeVersions } from './versions.ts'

const changelogFile = 'CHANGELOG.md'

export function readChanges(folder: string = root): Map<string, Change> {
  const names = readdirSync(join(folder, 'changes')).filter((name) => name.endsWith('.md'))
  return new Map(
    names.sort().map((name) => [name, parseChange(name, readFileSync(join(folder, 'changes', name), 'utf8'))]),
  )
}

/**
 * Puts the change files into the changelog, raises the version where it stands, and notes what the next release will be
 * compared with. The first release has the version that stands there already.
 * @throws Error with a sentence that says why this cannot be released
 */
export function prepareRelease(date: string, folder: string = root): string {
  const changes = readChanges(folder)
  const changelog = readFileSync(join(folder, changelogFile), 'utf8')
  const last = lastRelease(changelog)
  if (changes.size === 0) throw new Error('There is no change file in changes/: nothing to release.')
  const current = readVersions(folder)['sdk/typescript/package.json'] ?? ''
  const version = last === undefined ? current : nextVersion(last, [...changes.values()])
  const released = readReleased(folder)
  if (last !== undefined && isPatchOf(last, version) && released.contract_sha256 !== contractDigest(folder)) {
    throw new Error('The cases in sdk/contract have changed since the last release: that is a minor change at least.')
  }
  writeFileSync(join(folder, changelogFile), addRelease(changelog, [...changes.values()], { version, date }))
  writeVersions(version, folder)
  const next = { version, last_migration: lastMigration(folder), contract_sha256: contractDigest(folder) }
  writeFileSync(join(folder, releasedFile), `${JSON.stringify(next, null, 2)}\n`)
  for (const name of changes.keys()) rmSync(join(folder, 'changes', name))
  return version
}

function isPatchOf(last: string, version: string): boolean {
  return last.split('.').slice(0, 2).join('.') === version.split('.').slice(0, 2).join('.')
}

/** @throws Error with a sentence that says what does not fit the tag */
export function checkTag(tag: string, folder: string = root): void {
  const version = /^v(\d+\.\d+\.\d+)$/.exec(tag)?.[1]
  if (version === undefined) throw new Error(`${tag} is no tag of a release: it would be v1.2.3.`)
  const versions = { ...readVersions(folder), [releasedFile]: readReleased(folder).version ?? 'none' }
  const wanted: Versions = { ...versionsFor(version), [releasedFile]: version }
  for (const [file, found] of Object.entries(versions)) {
    if (found !== wanted[file]) throw new Error(`${file} has the version ${found}, and the tag is ${tag}.`)
  }
  if (readChanges(folder).size > 0) throw new Error('There are change files left: prepare the release first.')
}
