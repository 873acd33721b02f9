import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '../../..')
const rooms = ['workers', 'sdk', 'supabase', 'examples', 'scripts']
const isTest = (path: string) => /\.test\.tsx?$|(?:^|\/)test_\w+\.py$/.test(path)
// A folder `.docs-…` is one of a test of the pages, which may remove it while we look.
const skipped = /(?:^|\/)(?:node_modules|dist|\.venv|\.data|\.wrangler|\.docs-[^/]*)(?:\/|$)/

export type TestFile = { readonly path: string; readonly source: string }

/** Every test file of the repository, whatever its layer or language. */
export function testFiles(): TestFile[] {
  const paths = rooms.flatMap((room) => listed(join(root, room)))
  return paths.map((path) => ({ path: relative(root, path), source: readFileSync(path, 'utf8') }))
}

function listed(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (skipped.test(path)) return []
    if (entry.isDirectory()) return listed(path)
    return isTest(path) ? [path] : []
  })
}

/** The string literals of a file, comments left out: a tag counts only where it is part of a name. */
export function literals(source: string): string[] {
  const token =
    /\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*|"""([\s\S]*?)"""|'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)"|`((?:\\.|[^`\\])*)`/g
  return [...source.matchAll(token)].map((match) => match.slice(1).find((part) => part !== undefined) ?? '')
}

/** The ids in square brackets that begin with the name of a text we follow. */
export function idsIn(text: string): string[] {
  const tags = text.matchAll(/\[((?:rfc\d{4}|oauth21|oidc-core|oidc-discovery|mcp-\d{4}-\d{2})-[^\]\s]*)\]/g)
  return [...tags].map((match) => match[1] ?? '')
}

/** The names given to `it` or `test` calls of a file, with any modifier before the parenthesis. */
export function testNames(source: string): string[] {
  const call = /\b(?:it|test)(?:\.\w+)*\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g
  return [...source.matchAll(call)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}
