import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ClientName, clients } from '../../workers/test/worker/interop/clients.ts'
import type { Row } from '../../workers/test/worker/interop/row.ts'
import { rows } from '../../workers/test/worker/interop/rows.ts'
import { markdownTable } from './markdown.ts'

const page = join(import.meta.dirname, '../clients.md')

/** The page is written by hand but for what stands between these two lines. */
const marked = /(<!-- made from [^\n]* -->\n)[\s\S]*(<!-- end of what is made -->)/

const names = Object.keys(clients).filter((name): name is ClientName => name in clients)

/** Paths, parameters and addresses are code, also where the table writes them as words. */
function inMarkdown(sentence: string): string {
  // A name of OAuth keeps its spelling, also where it begins the sentence.
  const isName = /^\w*_/.test(sentence)
  const capital = isName ? sentence : `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`
  return capital.replaceAll(/(?<![\w`])(?:\/[\w./-]*\w\/?|\[::1\]|\w+_\w+|\d+\.\d+\.\d+\.\d+(?:\/\d+)?)/g, '`$&`')
}

function habit({ quirk, answer, decided, since }: Row): string {
  const reason = decided === undefined ? '' : ` ${inMarkdown(decided)}`
  return `- ${inMarkdown(quirk)}. **Here:** ${inMarkdown(answer)}.${reason} (${since})`
}

function section(name: ClientName): string {
  const { name: title, registers, redirect } = clients[name]
  const own = rows.filter((row) => row.clients.includes(name))
  return `### ${title}, habits

How it is known: ${registers}. Where it goes back to: ${redirect}.

${own.map(habit).join('\n')}`
}

/** The oldest version of ours from which on something is done for a client. */
function since(name: ClientName): string {
  const versions = rows.filter((row) => row.clients.includes(name)).map((row) => row.since)
  return versions.toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))[0] ?? ''
}

function made(): string {
  const table = markdownTable(
    ['client', 'how it is known here', 'where it goes back to', 'since'],
    names.map((name) => [clients[name].name, clients[name].registers, clients[name].redirect, since(name)]),
  )
  return `
Each line below is a row of a table that the tests play against this server: the requests as that client sends them, from
registration to refresh. The number in brackets is the version from which on it is so.

${table}

${names.map(section).join('\n\n')}

`
}

export function clientsPage(): string {
  const text = readFileSync(page, 'utf8')
  if (!marked.test(text)) throw new Error('docs/clients.md has lost the marks between which it is made')
  return text.replace(marked, (_whole, begin: string, end: string) => `${begin}${made()}${end}`)
}
