import { skeleton } from './look-alikes.ts'

/** A name people trust, and the hosts whose word counts for it: their own metadata documents live there (THREATS B20). */
type KnownProgram = { readonly name: string; readonly hosts: readonly string[] }

const anthropic = ['anthropic.com', 'claude.ai', 'claude.com']
const openai = ['chatgpt.com', 'openai.com']
const google = ['google', 'google.com', 'geminicli.com']
const microsoft = ['microsoft.com', 'visualstudio.com', 'vscode.dev']

/** Ours: no client and no server may bear one. */
const ownNames = ['Auth-Agent', 'Auth-Agent MCP', 'Auth-Agent MCP management']

const knownPrograms: readonly KnownProgram[] = [
  { name: 'Anthropic', hosts: anthropic },
  { name: 'ChatGPT', hosts: openai },
  { name: 'Claude', hosts: anthropic },
  { name: 'Claude Code', hosts: anthropic },
  { name: 'Claude Desktop', hosts: anthropic },
  { name: 'Codex', hosts: openai },
  { name: 'Cursor', hosts: ['cursor.com', 'cursor.sh'] },
  { name: 'Gemini', hosts: google },
  { name: 'Gemini CLI', hosts: google },
  { name: 'GitHub Copilot', hosts: ['github.com', 'githubcopilot.com', 'microsoft.com'] },
  { name: 'install-mcp', hosts: [] },
  { name: 'OpenAI', hosts: openai },
  { name: 'VS Code', hosts: microsoft },
  { name: 'Visual Studio Code', hosts: microsoft },
]

const bySkeleton = new Map(knownPrograms.map((program) => [skeleton(program.name), program]))
const ownSkeletons = new Set(ownNames.map(skeleton))

/** The same name, however its words are set apart. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[\s._-]/g, '')
const plainNames = new Set([...ownNames, ...knownPrograms.map(({ name }) => name)].map(plain))

const wordsInName = 4

/** The name as a whole, and each few of its words: `Claude Code for teams` speaks of `Claude Code`. */
function parts(name: string): readonly string[] {
  const words = name.split(/[\s._/()[\],:;\u2013\u2014-]+/u).filter((word) => word !== '')
  const runs = words.flatMap((_word, from) =>
    Array.from({ length: wordsInName }, (_none, more) => words.slice(from, from + more + 1).join(' ')),
  )
  return [name, ...new Set(runs)]
}

const isProtected = (part: string) => bySkeleton.has(skeleton(part)) || ownSkeletons.has(skeleton(part))

/** Whether the whole name is drawn like a protected one, spelt like it or not. */
export function isProtectedName(name: string): boolean {
  return isProtected(name)
}

/** Whether the name is our own, or drawn like it. */
export function isOwnName(name: string): boolean {
  return ownSkeletons.has(skeleton(name))
}

/** Whether a name, or some words of it, are drawn like a protected one without being spelt like it. */
export function isLookAlike(name: string): boolean {
  return parts(name).some((part) => isProtected(part) && !plainNames.has(plain(part)))
}

/**
 * The program whose name a publisher uses without being its maker; undefined where the name is nobody's, or its own.
 * @param host of the document that carries the name
 */
export function borrowedName(name: string, host: string): string | undefined {
  const programs = parts(name).flatMap((part) => bySkeleton.get(skeleton(part)) ?? [])
  const isMaker = ({ hosts }: KnownProgram) => hosts.some((own) => host === own || host.endsWith(`.${own}`))
  return programs.find((program) => !isMaker(program))?.name
}
