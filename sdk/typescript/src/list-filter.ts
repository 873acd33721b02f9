import type { Config } from './config.ts'
import { createEventFilter, type EventFilter } from './event-filter.ts'
import { isRecord, parseJson } from './json.ts'
import type { Report } from './report.ts'
import type { Message } from './rpc-messages.ts'
import { scopesOfPrompt, scopesOfResource, scopesOfTool } from './rpc-scopes.ts'
import { holdsAll } from './scopes.ts'

/** Cuts the lists in one answer down to what the token's scopes allow. */
export type ListFilter = Readonly<{
  /** For a body that is JSON as a whole. */
  json: (text: string) => string
  /** For a body of server-sent events, which goes on as it comes. */
  events: () => EventFilter
  /** Tells the owner that an answer could not be read. */
  unreadable: () => void
}>

type List = 'tools' | 'prompts' | 'resources'

const LIST_OF_METHOD: ReadonlyMap<unknown, List> = new Map<unknown, List>([
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
])

/** The filter for the answer to these messages; undefined where it has no list, or nobody asked for filters. */
export function createListFilter(
  messages: readonly Message[],
  { held, config, report }: { held: ReadonlySet<string>; config: Config; report: Report },
): ListFilter | undefined {
  if (!config.filterLists) return undefined
  const asked = new Map<unknown, List>()
  for (const { method, id } of messages) {
    const list = LIST_OF_METHOD.get(method)
    if (list !== undefined) asked.set(id, list)
  }
  if (asked.size === 0) return undefined
  const isShown = (list: List, entry: unknown) => !isRecord(entry) || holdsAll(held, scopesOfEntry(list, entry, config))
  const json = (text: string) => {
    const answer = parseJson(text)
    const answers = [answer].flat().filter(isRecord)
    const cut = answers.map((one) => cutDown(one, asked.get(one.id), isShown))
    return cut.includes(true) ? JSON.stringify(answer) : text
  }
  return Object.freeze({ json, events: () => createEventFilter(json), unreadable: () => report('answer_encoded') })
}

function scopesOfEntry(list: List, entry: Record<string, unknown>, config: Config): readonly string[] {
  if (list === 'resources') return scopesOfResource(entry.uri, config)
  return list === 'tools' ? scopesOfTool(entry.name, config) : scopesOfPrompt(entry.name, config)
}

/** Changes the answer in place and says whether it did. */
function cutDown(
  answer: Record<string, unknown>,
  list: List | undefined,
  isShown: (list: List, entry: unknown) => boolean,
): boolean {
  const { result } = answer
  if (list === undefined || !isRecord(result)) return false
  const entries = result[list]
  if (!Array.isArray(entries)) return false
  result[list] = entries.filter((entry) => isShown(list, entry))
  // It depends on the token now, so no shared cache may keep it (MCP 2026-07-28, Caching).
  if (result.cacheScope === 'public') result.cacheScope = 'private'
  return true
}
