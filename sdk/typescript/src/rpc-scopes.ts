import type { Config } from './config.ts'
import { isRecord } from './json.ts'
import { resourceKeys } from './resource-key.ts'
import type { Message } from './rpc-messages.ts'

const NO_SCOPES: readonly string[] = []

// Comparing costs time, and a body has room for a URI of megabytes.
const MAX_URI_CHARACTERS = 8_192

/** Whether the configuration says anything about single tools, prompts or resources. */
export function hasTables(config: Config): boolean {
  return config.toolScopes.size + config.promptScopes.size + config.resourceScopes.size > 0
}

/** The scopes that a message needs for the tool, prompt or resource it is about (MCP 2026-07-28, Server Features). */
export function scopesOfMessage(message: Message, config: Config): readonly string[] {
  const params = isRecord(message.params) ? message.params : {}
  switch (message.method) {
    case 'tools/call':
      return scopesOfTool(params.name, config)
    case 'prompts/get':
      return scopesOfPrompt(params.name, config)
    case 'resources/read':
    case 'resources/subscribe': // of the revisions before 2026-07-28
    case 'resources/unsubscribe':
      return scopesOfResource(params.uri, config)
    case 'subscriptions/listen': {
      const watched = isRecord(params.notifications) ? params.notifications.resourceSubscriptions : undefined
      return Array.isArray(watched) ? watched.flatMap((uri) => scopesOfResource(uri, config)) : NO_SCOPES
    }
    case 'completion/complete':
      // Completions tell what a prompt or resource holds.
      return isRecord(params.ref)
        ? [...scopesOfPrompt(params.ref.name, config), ...scopesOfResource(params.ref.uri, config)]
        : NO_SCOPES
    default:
      return NO_SCOPES
  }
}

export function scopesOfTool(name: unknown, config: Config): readonly string[] {
  return scopesIn(config.toolScopes, name)
}

export function scopesOfPrompt(name: unknown, config: Config): readonly string[] {
  return scopesIn(config.promptScopes, name)
}

/** A URI that is too long to be compared might be any of those that are listed. */
export function scopesOfResource(uri: unknown, config: Config): readonly string[] {
  const table = config.resourceScopes
  if (table.size === 0) return NO_SCOPES
  if (typeof uri !== 'string') return scopesIn(table, uri)
  return uri.length > MAX_URI_CHARACTERS ? allScopes(table) : resourceKeys(uri).flatMap((key) => scopesIn(table, key))
}

type Table = ReadonlyMap<string, readonly string[]>

/** `tools[name]` makes text of whatever it is given: a list of one name is that name to a handler that does not look. */
function scopesIn(table: Table, name: unknown): readonly string[] {
  if (typeof name === 'string') return table.get(name) ?? NO_SCOPES
  return name === undefined || name === null ? NO_SCOPES : allScopes(table)
}

function allScopes(table: Table): readonly string[] {
  return [...table.values()].flat()
}
