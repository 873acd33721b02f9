import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export const root = join(import.meta.dirname, '../..')

/** One fenced block of a page. */
export type Block = {
  page: string
  line: number
  language: string
  text: string
  /** The file, and region of it, that the block says it was cut from. */
  cutFrom: { file: string; region: string | undefined } | undefined
  /** The name under which a test runs it as a program. */
  runAs: string | undefined
}

const ownPages = ['README.md', 'SECURITY.md', 'CHANGELOG.md', 'THIRD-PARTY-NOTICES.md']
const folders = [
  'docs',
  'workers',
  'sdk/typescript',
  'sdk/python',
  'sdk/contract',
  'examples/typescript-server',
  'examples/filesystem-server',
  'supabase',
  'supabase/local',
  'workers/bench',
  'release',
]

/** Every page that a reader of the repository finds, README first. */
export function listPages(): string[] {
  const inFolders = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .sort()
      .map((name) => join(folder, name)),
  )
  return [...ownPages, ...inFolders]
}

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

export function readBlocks(page: string): Block[] {
  const text = readPage(page)
  const fences = text.matchAll(
    /(?:<!-- (?:cut from ([^\s#]+)(?:#(\S+))?|run as ([\w ]+)) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm,
  )
  return [...fences].map(([, file, region, runAs, language = '', body = ''], index) => ({
    page,
    line: lineOf(text, body, index),
    language,
    text: body,
    cutFrom: file === undefined ? undefined : { file, region },
    runAs,
  }))
}

function lineOf(text: string, body: string, index: number): number {
  const place = text.indexOf(body)
  return place === -1 ? index : text.slice(0, place).split('\n').length
}

/** How a test names a block. */
export function nameOf({ page, line }: Block): string {
  return `${relative(root, join(root, page))}:${line}`
}

export function blocksIn(languages: readonly string[], pages: readonly string[] = listPages()): Block[] {
  return pages.flatMap(readBlocks).filter(({ language }) => languages.includes(language))
}
