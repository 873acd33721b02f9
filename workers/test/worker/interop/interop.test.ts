import { describe, expect, it } from 'vitest'
import { clients } from './clients.ts'
import { play } from './play.ts'
import type { Row, Section } from './row.ts'
import { rows } from './rows.ts'

const sections: Readonly<Record<Section, string>> = {
  '4.1': 'discovery',
  '4.2': 'resource',
  '4.3': 'scopes',
  '4.4': 'redirects',
  '4.5': 'registration',
  '4.6': 'tokens and errors',
  '4.7': 'browsers',
  '4.8': 'official packages and strict clients',
}

/** Rows that were played to their end. */
const played = new Set<string>()

const nameOf = (row: Row) => `${row.clients.map((name) => clients[name].name).join(', ')}: ${row.quirk}`

describe.each(Object.entries(sections))('INTEROP %s, %s', (section) => {
  // A loop, because it.each shortens what it puts into names.
  for (const row of rows.filter((one) => one.section === section)) {
    it(nameOf(row), async () => {
      await play(row)
      played.add(row.id)
    })
  }
})

describe('the table', () => {
  it('has each id once', () => {
    const ids = rows.map(({ id }) => id)
    expect(ids.filter((id, place) => ids.indexOf(id) !== place)).toEqual([])
  })

  it('says what is done in sentences without a full stop, because the page puts them together', () => {
    const sentences = rows.flatMap(({ quirk, answer }) => [quirk, answer])
    expect(sentences.filter((sentence) => sentence.trim() === '' || sentence.endsWith('.'))).toEqual([])
    expect(rows.filter(({ decided }) => decided?.endsWith('.') === false).map(({ id }) => id)).toEqual([])
  })

  it('was played whole: a row that is in it and never ran proves nothing', () => {
    expect(rows.filter(({ id }) => !played.has(id)).map(({ id }) => id)).toEqual([])
  })

  it('speaks of each client that it lists, and of each section', () => {
    const spoken = new Set(rows.flatMap((row) => row.clients))
    expect(Object.keys(clients).filter((name) => !spoken.has(name as keyof typeof clients))).toEqual([])
    expect([...new Set(rows.map(({ section }) => section))]).toEqual(Object.keys(sections))
  })
})
