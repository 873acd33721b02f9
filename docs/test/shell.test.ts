import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Stack, startStack } from '../../workers/test/support/stack.ts'
import { type Block, blocksIn, listPages, nameOf, readBlocks, root } from './blocks.ts'

// Never the synchronous one: the database that curl asks about lives in this process.
const run = promisify(execFile)

let stack: Stack
beforeAll(async () => {
  stack = await startStack({ database: 'pglite', example: true })
}, 120_000)
afterAll(() => stack?.close())

/** What a reader copies from one answer into the next command. */
const remembered = new Map<string, string>()

function remember(answer: unknown): void {
  const members: Record<string, string> = {
    server_id: 'SERVER_ID',
    management_token: 'MANAGEMENT_TOKEN',
    key_secret: 'API_KEY',
  }
  for (const [member, value] of Object.entries(answer ?? {})) {
    const name = members[member]
    if (name !== undefined) remembered.set(name, String(value))
  }
}

/** The reader's machine has the usual ports; ours are free ones. */
function fillIn(command: string): string {
  const example = new URL(stack.example?.server_url ?? '').origin
  const placed = command.replaceAll('http://localhost:9400', stack.issuer).replaceAll('http://localhost:9401', example)
  return [...remembered].reduce((text, [name, value]) => text.replaceAll(name, value), placed)
}

type Answer = { status: number; body: string }

async function runCurl(command: string): Promise<Answer> {
  // The status goes to another stream than the body, so that what --include adds stays with the body.
  const script = fillIn(command).replace(/^curl /, "curl --silent --max-time 100 --write-out '%{stderr}%{http_code}' ")
  const { stdout, stderr } = await run('/bin/sh', ['-c', script])
  return { status: Number(stderr.slice(-3)), body: stdout }
}

/** One command a line; a line that ends in a backslash, or inside quotes, goes on. */
function commandsOf(text: string): string[] {
  const commands: string[] = []
  let open = ''
  for (const line of text.split('\n')) {
    open = open === '' ? line : `${open}\n${line}`
    const isOpen = open.endsWith('\\') || (open.match(/'/g) ?? []).length % 2 === 1
    if (isOpen) continue
    if (open.trim() !== '' && !open.startsWith('#')) commands.push(open)
    open = ''
  }
  return commands
}

const scripts: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts

/** Other people's programs, as their own documentation spells what we ask of them. */
const shapes = [
  ['codex', /^codex mcp (?:add [\w-]+ --url http:\/\/localhost:9401\/mcp|login [\w-]+)$/],
  ['gemini', /^gemini mcp add --transport http [\w-]+ http:\/\/localhost:9401\/mcp$/],
  ['npx', /^npx @modelcontextprotocol\/inspector$/],
] as const

/** Commands that would start, install or open something are looked at instead of run. */
async function look(command: string): Promise<string | undefined> {
  const [program, ...args] = command.split(/\s+/)
  const [first, second] = args.filter((word) => word !== '--silent')
  const named = first === 'run' ? second : first
  if (program === 'npm') return Object.hasOwn(scripts ?? {}, named ?? '') ? undefined : `npm has no script ${named}`
  if (program?.startsWith('./')) return existsSync(join(root, program)) ? undefined : `${program} does not exist`
  if (program === 'claude') {
    const shape =
      /^claude mcp add --transport http --client-id (client_claude_code) [\w-]+ http:\/\/localhost:9401\/mcp$/
    return shape.test(command) ? undefined : 'not the way Claude Code adds a server with a client id'
  }
  const known = shapes.find(([name]) => name === program)
  if (known !== undefined) {
    return known[1].test(command) ? undefined : `not the way ${program} adds or opens a server`
  }
  if (program === 'node' && args[0] === '-e') {
    await run('/bin/sh', ['-c', command])
    return undefined
  }
  // release/test/backup.test.ts runs them.
  if (['pg_dumpall', 'pg_dump', 'psql', 'pg_restore'].includes(program ?? '')) return undefined
  if (
    program === 'sudo' ||
    program === 'chmod' ||
    /^[A-Z_]+=/.test(program ?? '') ||
    command.includes('/opt/auth-agent-mcp/')
  )
    return lookAtOperator(command)
  return `no test knows what to do with ${program}`
}

/** An operator's commands change a machine; a test of its own runs what they start. Here: that all they name is there. */
function lookAtOperator(command: string): string | undefined {
  const words = command.split(/\s+/).filter((word) => !['sudo', '\\'].includes(word) && !/^[A-Z_]+=/.test(word))
  const [program = ''] = words[0] === '-u' ? words.slice(2) : words
  const usual = ['npm', 'cp', 'mkdir', 'chmod', 'useradd', 'createdb', 'systemctl', 'node']
  if (!usual.includes(program)) return `no test knows what to do with ${program}`
  const built = command.matchAll(/\/opt\/auth-agent-mcp\/([\w.-]+)/g)
  const units = [...command.matchAll(/\bauth-agent-mcp(-\w+)?(\.timer)?\b(?![/.])/g)].map(([unit]) => unit)
  const isThere = (name: string) =>
    [
      join('workers/self-hosted', name),
      ...['supabase/local/scripts', 'workers/operations'].map((folder) => join(folder, name.replace(/\.mjs$/, '.ts'))),
    ].some((file) => existsSync(join(root, file)))
  const missing = [...built].map(([, name = '']) => name).filter((name) => !isThere(name))
  const unknown = program === 'systemctl' ? units.filter((unit) => !isThere(unitFile(unit))) : []
  return missing.length + unknown.length === 0 ? undefined : `there is no ${[...missing, ...unknown].join(', ')}`
}

const unitFile = (unit: string) => join('systemd', unit.includes('.') ? unit : `${unit}.service`)

/** The JSON block right behind a shell block shows its answer: the members must be the real ones. */
function shownAnswer(block: Block): unknown {
  const blocks = readBlocks(block.page)
  const next = blocks[blocks.findIndex(({ text }) => text === block.text) + 1]
  return next?.language === 'json' ? JSON.parse(next.text) : undefined
}

// README first, so that the later pages have a server and a key to talk about.
const blocks = blocksIn(['sh'], listPages()).map((block) => [nameOf(block), block] as const)

async function answerOf(command: string): Promise<unknown> {
  const { status, body } = await runCurl(command)
  // With -i the page shows a refusal: the challenge that tells a client where to go.
  if (/ -i /.test(command)) {
    expect([status, body]).toEqual([401, expect.stringMatching(/www-authenticate: Bearer .*resource_metadata="/i)])
    return undefined
  }
  if (status >= 300) throw new Error(`${command}\nanswered ${status}: ${body}`)
  return JSON.parse(body)
}

describe('shell blocks', () => {
  test.each(blocks)('%s does what it says', async (_, block) => {
    for (const command of commandsOf(block.text)) {
      if (!command.startsWith('curl ')) {
        expect(await look(command)).toBeUndefined()
        continue
      }
      const answer = await answerOf(command)
      remember(answer)
      const shown = shownAnswer(block)
      if (shown !== undefined) expect(shapeOf(answer)).toEqual(shapeOf(shown))
    }
  })
})

/** The names of the members and the kinds of their values, all the way down. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]))
}
