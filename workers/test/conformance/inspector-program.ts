import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Desktop } from '../support/desktop.ts'
import { commandOf } from '../support/package-command.ts'
import { place } from './place.ts'

const { command, script } = commandOf('@modelcontextprotocol/inspector', 'mcp-inspector')

const storage = (desktop: Desktop) => join(desktop.home, 'inspector')

export type Run = { readonly code: number | null; readonly output: string; readonly said: string }

/** One run of the Inspector's command line against the example; what the person types is `input`. */
export async function inspect(desktop: Desktop, flags: readonly string[], input = ''): Promise<Run> {
  const env = {
    ...desktop.env,
    MCP_STORAGE_DIR: storage(desktop),
    // No keychain of the machine's: a file in the storage folder.
    MCP_INSPECTOR_SECRET_STORE: 'file',
    // Without a terminal it opens a browser only when told to.
    MCP_AUTO_OPEN_ENABLED: 'true',
  }
  // By itself it gives up connecting after a quarter of a minute, which is little on a busy machine.
  const patience = ['--connect-timeout', '100000']
  const args = [script, '--cli', '--format', 'json', '--server-url', place.exampleUrl, ...patience, ...flags]
  const child = spawn(command, args, { env })
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
  try {
    const [code, output, said] = await desktop.during(Promise.all([ended, text(child.stdout), text(child.stderr)]))
    return { code, output, said }
  } finally {
    child.kill()
  }
}

export type StoredTokens = { access_token: string; refresh_token: string }

type Secrets = { secrets: Record<string, string> }

/** The tokens that the Inspector keeps, changed by `change` where that is given. */
export async function storedTokens(desktop: Desktop, changes: Partial<StoredTokens> = {}): Promise<StoredTokens> {
  const file = join(storage(desktop), 'secrets.json')
  const kept = JSON.parse(await readFile(file, 'utf8')) as Secrets
  const [name, value] = Object.entries(kept.secrets).find(([key]) => key.includes(':tokens:')) ?? []
  if (name === undefined || value === undefined) throw new Error('the Inspector stored no tokens')
  const tokens = { ...(JSON.parse(value) as StoredTokens), ...changes }
  kept.secrets[name] = JSON.stringify(tokens)
  await writeFile(file, JSON.stringify(kept))
  return tokens
}

type State = {
  servers: Record<string, { discoveryState: { authorizationServerMetadata: object }; serverMetadata?: object }>
}

/**
 * Its `--relogin` revokes only with metadata in a place where its own sign-in (2.12.0) does not put it, and says nothing
 * when it finds none: so it is put there.
 */
export async function letItRevoke(desktop: Desktop): Promise<void> {
  const file = join(storage(desktop), 'oauth.json')
  const state = JSON.parse(await readFile(file, 'utf8')) as State
  for (const server of Object.values(state.servers)) {
    server.serverMetadata = server.discoveryState.authorizationServerMetadata
  }
  await writeFile(file, JSON.stringify(state))
}
