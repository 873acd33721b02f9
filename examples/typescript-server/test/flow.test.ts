import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPerson } from './official-client.ts'
import { type Example, startExample } from './start-example.ts'

const revisions = [
  ['2026-07-28', { versionNegotiation: { mode: { pin: '2026-07-28' } } }],
  ['2026-07-28', { versionNegotiation: { mode: 'auto' as const } }],
  ['2025-11-25', { supportedProtocolVersions: ['2025-11-25'] }],
  ['2025-06-18', { supportedProtocolVersions: ['2025-06-18'] }],
] as const

describe.each(revisions)('the official client of %s %j', (revision, options) => {
  let example: Example
  beforeAll(async () => {
    example = await startExample()
  })
  afterAll(() => example.close())

  it('goes from the bare URL through 401, discovery and sign-in to tools, and steps up to write and to delete', async () => {
    const person = createPerson(example.serverUrl, structuredClone(options) as object)
    await person.connect()
    expect(person.client().getNegotiatedProtocolVersion()).toBe(revision)
    expect(example.as.asked).toEqual(['files:read'])

    const { tools } = await person.client().listTools()
    expect(tools.map((tool) => tool.name)).toEqual(['list_files', 'read_file', 'write_file', 'delete_file'])
    expect(await person.call('list_files')).toContain('welcome.md')
    expect(await person.call('read_file', { name: 'notes/today.txt' })).toContain('Buy milk')

    expect(await person.call('write_file', { name: 'notes/new.txt', text: 'hello' })).toBe('Wrote notes/new.txt.')
    expect(example.as.asked.map((scope) => scope.split(' ').sort())).toEqual([
      ['files:read'],
      ['files:read', 'files:write'],
    ])
    expect(await readFile(join(example.folder, 'notes/new.txt'), 'utf8')).toBe('hello')

    expect(await person.call('delete_file', { name: 'notes/new.txt' })).toBe('Deleted notes/new.txt.')
    expect(example.as.asked.at(-1)?.split(' ').sort()).toEqual(['files:delete', 'files:read', 'files:write'])
    expect(await person.call('read_file', { name: '../../etc/passwd' })).toMatch(/^error: The name leads out/)
    await person.client().close()
  })
})
