import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseChange } from '../../release/changes.ts'
import { variables } from '../../workers/src/config-variables.ts'
import { rows } from '../../workers/test/worker/interop/rows.ts'
import { clientsPage } from '../scripts/clients-page.ts'
import { configurationPage } from '../scripts/configuration-page.ts'
import { errorsPage } from '../scripts/errors-page.ts'
import { faultsPage } from '../scripts/faults-page.ts'
import { logsPage } from '../scripts/logs-page.ts'
import { pagesPage } from '../scripts/pages-page.ts'
import { threatsPage } from '../scripts/threats-page.ts'
import { blocksIn, listPages, nameOf, readPage, root } from './blocks.ts'

const pages = listPages()

/** GitHub's anchors of a page's headings. */
function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function brokenLinks(page: string): string[] {
  const prose = readPage(page).replaceAll(/^```[\s\S]*?^```$/gm, '')
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return targets.filter((target) => {
    if (/^https?:/.test(target)) return false
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? join(root, page) : join(root, dirname(page), path)
    if (!existsSync(file)) return true
    return anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).includes(anchor)
  })
}

describe('every page', () => {
  test.each(pages)('%s links only to what exists', (page) => {
    expect(brokenLinks(page)).toEqual([])
  })

  test('names a language for each code block, and only such as a test looks at', () => {
    const known = ['sh', 'ts', 'python', 'json', 'jsonc', 'ini', 'mermaid', 'markdown']
    const others = pages.flatMap((page) => blocksIn([''], [page]).concat(unknownIn(page, known)))
    expect(others.map(nameOf)).toEqual([])
  })
})

function unknownIn(page: string, known: readonly string[]) {
  const languages = [...new Set([...readPage(page).matchAll(/^```(\w+)$/gm)].map(([, language = '']) => language))]
  return blocksIn(
    languages.filter((language) => !known.includes(language)),
    [page],
  )
}

describe('blocks', () => {
  test.each(blocksIn(['json']).map((block) => [nameOf(block), block.text]))('%s is JSON', (_, text) => {
    expect(() => JSON.parse(text)).not.toThrow()
  })

  test.each(blocksIn(['markdown']).map((block) => [nameOf(block), block.text]))('%s is a change file', (name, text) => {
    expect(parseChange(name, text).entries.size).toBeGreaterThan(0)
  })

  test.each(blocksIn(['mermaid']).map((block) => [nameOf(block), block.text]))('%s is a diagram', (_, text) => {
    const [kind, ...lines] = text.trim().split('\n')
    expect(kind).toMatch(/^(sequenceDiagram|flowchart (LR|TB|TD|RL))$/)
    const opened = lines.filter((line) => /^\s*(subgraph|loop|alt|opt)\b/.test(line)).length
    expect(lines.filter((line) => line.trim() === 'end')).toHaveLength(opened)
    const arrow = kind === 'sequenceDiagram' ? /^\s*\w+-?->>-?\w+: .+$/ : /--[->]/
    const other = /^\s*(autonumber|participant \w+ as .+|actor \w+ as .+|subgraph .+|end|Note .+|)$/
    expect(lines.filter((line) => !arrow.test(line) && !other.test(line))).toEqual([])
  })

  const cuts = blocksIn(['ts', 'python']).filter(({ cutFrom }) => cutFrom !== undefined)
  test.each(cuts.map((block) => [nameOf(block), block] as const))('%s stands so in the code', (_, block) => {
    const { file = '', region } = block.cutFrom ?? {}
    const source = readFileSync(join(root, file), 'utf8')
    const place = region === undefined ? source : regionOf(source, region)
    if (region !== undefined) expect(withoutIndent(block.text)).toBe(withoutIndent(place))
    for (const part of withoutIndent(block.text).split('// …')) expect(withoutIndent(place)).toContain(part.trim())
  })
})

function regionOf(source: string, region: string): string {
  const found = new RegExp(`(?://|#) #?region ${region}\\n([\\s\\S]*?)(?://|#) #?endregion ${region}`).exec(source)?.[1]
  if (found === undefined) throw new Error(`there is no region ${region}`)
  return found
}

// A page shows a piece of a function without the function's indentation.
function withoutIndent(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.join('\n').trim()
}

describe('made from the code', () => {
  const made = [
    ['docs/clients.md', clientsPage],
    ['docs/configuration.md', configurationPage],
    ['docs/errors.md', errorsPage],
    ['docs/faults.md', faultsPage],
    ['docs/logs.md', logsPage],
    ['docs/pages.md', pagesPage],
    ['docs/threats.md', threatsPage],
  ] as const
  test.each(made)('%s is up to date (node docs/scripts/generate-pages.ts)', (page, make) => {
    expect(readPage(page)).toBe(make())
  })
})

describe('versions', () => {
  test('every one that a row about clients names is in the changelog or being prepared', () => {
    const { version }: { version: string } = JSON.parse(readPage('sdk/typescript/package.json'))
    const known = [
      version,
      ...[...readPage('CHANGELOG.md').matchAll(/^## \[(\d+\.\d+\.\d+)\]/gm)].map(([, one]) => one),
    ]
    expect(rows.filter(({ since }) => !known.includes(since)).map(({ id }) => id)).toEqual([])
  })
})

describe('variables', () => {
  const known: readonly string[] = variables.map(({ name }) => name)
  // Not the Worker's: the SDK's, the examples', the tests', the script's.
  const others = [
    'AUTH_AGENT_ISSUER',
    'AUTH_AGENT_SERVER_ID',
    'AUTH_AGENT_API_KEY',
    'DATABASE_URL',
    'ADMIN_DATABASE_URL',
    'ADMIN_PASSWORD',
    'AUTHENTICATOR_PASSWORD',
    'JWT_SECRET',
    'OPERATOR_KEY',
    'CLOUDFLARE_ACCOUNT_ID',
    'CLOUDFLARE_API_TOKEN',
    'SUPABASE_ACCESS_TOKEN',
    'CHROMIUM_PATH',
    'RATE_DOCUMENTS',
    'BASE_URL',
    'FILES_FOLDER',
    'SERVER_URL',
    'EVERY_RUNTIME',
    'MAILBOX_URL',
  ]
  const placeholders = ['SERVER_ID', 'API_KEY', 'MANAGEMENT_TOKEN', 'ACCESS_TOKEN', 'NOT_IMITATED']

  test('every one that a page names exists', () => {
    const named = pages.flatMap((page) =>
      [...readPage(page).matchAll(/\b[A-Z]{2,}(?:_[A-Z]+)+\b/g)].map(([name]) => name),
    )
    expect([...new Set(named)].filter((name) => ![...known, ...others, ...placeholders].includes(name))).toEqual([])
  })

  test.each(blocksIn(['ini']).map((block) => [nameOf(block), block.text]))('%s sets only such', (_, text) => {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const names = lines.map((line) => line.slice(0, line.indexOf('=')))
    expect(names.filter((name) => ![...known, ...others, 'PORT'].includes(name))).toEqual([])
  })

  test('every one of the Worker is in docs/configuration.md', () => {
    const page = readPage('docs/configuration.md')
    expect(known.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([])
  })
})
