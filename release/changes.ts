/** Change files, and the changelog that is put together from them. */

export const bumps = ['patch', 'minor', 'major'] as const
export type Bump = (typeof bumps)[number]

/** The headings of Keep a Changelog 1.1.0, in the order in which they stand in an entry. */
const headings = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'] as const
type Heading = (typeof headings)[number]

export type Change = { readonly bump: Bump; readonly entries: ReadonlyMap<Heading, string> }

/** @throws Error with a sentence that names the file and what is wrong with it */
export function parseChange(name: string, text: string): Change {
  const [, front, body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? []
  const bump = bumps.find((one) => front === `bump: ${one}`)
  if (bump === undefined)
    throw new Error(`${name} does not begin with a bump of ${bumps.join(', ')} between two lines ---.`)
  const entries = parseEntries(name, body)
  if (entries.size === 0) throw new Error(`${name} has no entry.`)
  return { bump, entries }
}

/** The list below each heading. */
function parseEntries(name: string, body: string): Map<Heading, string> {
  const [before = '', ...parts] = body.split(/^### /m)
  if (before.trim() !== '') throw new Error(`${name} has text before its first heading.`)
  const entries = new Map<Heading, string>()
  for (const part of parts) {
    const [title = ''] = part.split('\n', 1)
    const heading = headings.find((one) => one === title)
    if (heading === undefined)
      throw new Error(`${name} has the heading ${title}; it may be one of ${headings.join(', ')}.`)
    const list = part.slice(title.length).trim()
    if (!list.startsWith('- ')) throw new Error(`${name} has no list below ${title}.`)
    entries.set(heading, [...(entries.has(heading) ? [entries.get(heading)] : []), list].join('\n'))
  }
  return entries
}

/** The version that follows, by the largest change (Semantic Versioning 2.0.0). */
export function nextVersion(version: string, changes: readonly Change[]): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const largest = Math.max(...changes.map(({ bump }) => bumps.indexOf(bump)))
  if (largest === 2) return `${major + 1}.0.0`
  return largest === 1 ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`
}

/** What was released last, by the changelog; undefined where nothing was. */
export function lastRelease(changelog: string): string | undefined {
  return /^## \[(\d+\.\d+\.\d+)\]/m.exec(changelog)?.[1]
}

/** The changelog with a new release on top: what stood under Unreleased, and the entries of the changes. */
export function addRelease(
  changelog: string,
  changes: readonly Change[],
  release: { version: string; date: string },
): string {
  const [before, after] = changelog.split(/^## \[Unreleased\]\n/m)
  if (before === undefined || after === undefined) throw new Error('CHANGELOG.md has no heading [Unreleased].')
  const [unreleased = '', ...older] = after.split(/^(?=## )/m)
  const all = [parseEntries('CHANGELOG.md', unreleased), ...changes.map(({ entries }) => entries)]
  const sections = headings.flatMap((heading) => {
    const lists = all.flatMap((entries) => entries.get(heading) ?? [])
    return lists.length === 0 ? [] : [`### ${heading}\n\n${lists.join('\n')}\n`]
  })
  const made = `## [${release.version}] - ${release.date}\n\n${sections.join('\n')}`
  return [`${before}## [Unreleased]\n`, made, ...(older.length === 0 ? [] : [older.join('')])].join('\n')
}

/** What the changelog says of a version; of one that is not there yet, what stands under Unreleased. */
export function entryOf(changelog: string, version: string): string {
  const [, ...entries] = changelog.split(/^(?=## \[)/m)
  const entry = entries.find((one) => one.startsWith(`## [${version}]`)) ?? entries[0] ?? ''
  return `${entry.replace(/^.*\n+/, '').trim()}\n`
}
