import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { Desktop } from '../support/desktop.ts'
import { commandOf } from '../support/package-command.ts'
import { place } from './place.ts'

const { command, script } = commandOf('mcp-remote', 'mcp-remote')
/** How long it waits for its person; half a minute by itself, which is little on a busy machine. */
const patienceSeconds = 100

const settingsFolder = (desktop: Desktop) => join(desktop.home, 'mcp-auth')

/** What mcp-remote keeps of its tokens; `expires_at` is in milliseconds. */
export type StoredTokens = { access_token: string; refresh_token: string; scope: string; expires_at: number }

async function fileOf(desktop: Desktop, kind: 'tokens' | 'client_info'): Promise<string> {
  const names = await readdir(settingsFolder(desktop), { recursive: true })
  const name = names.find((one) => one.endsWith(`_${kind}.json`))
  if (name === undefined) throw new Error(`mcp-remote stored no ${kind}: ${names.join(', ')}`)
  return join(settingsFolder(desktop), name)
}

export async function readTokens(desktop: Desktop): Promise<StoredTokens> {
  return JSON.parse(await readFile(await fileOf(desktop, 'tokens'), 'utf8')) as StoredTokens
}

export async function changeTokens(desktop: Desktop, changes: Partial<StoredTokens>): Promise<void> {
  const changed = { ...(await readTokens(desktop)), ...changes }
  await writeFile(await fileOf(desktop, 'tokens'), JSON.stringify(changed))
}

const clientInformation = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as { client_id: string }

export async function readClientId(desktop: Desktop): Promise<string> {
  return (await clientInformation(await fileOf(desktop, 'client_info'))).client_id
}

/** What is left when its tokens are gone and its registration is one that this server never made; gives its id. */
export async function estrange(desktop: Desktop): Promise<string> {
  await rm(await fileOf(desktop, 'tokens'))
  const file = await fileOf(desktop, 'client_info')
  const known = await clientInformation(file)
  const client_id = `${known.client_id.slice(0, -6)}AAAAAA`
  await writeFile(file, JSON.stringify({ ...known, client_id }))
  return client_id
}

export type HostSettings = {
  /** Where mcp-remote waits for the code. */
  readonly port: number
  readonly flags: readonly string[]
}

export type Host = {
  readonly client: Client
  /** Settles when mcp-remote lets its host through to the server, or gives up. */
  readonly connected: Promise<void>
}

/** An MCP host that knows stdio servers only, and one of them: mcp-remote with the URL of the example. */
export function startHost(desktop: Desktop, { port, flags }: HostSettings): Host {
  const args = [script, place.exampleUrl, String(port), '--auth-timeout', String(patienceSeconds), ...flags]
  const env = { ...desktop.env, MCP_REMOTE_CONFIG_DIR: settingsFolder(desktop) }
  const transport = new StdioClientTransport({ command, args, env, stderr: 'pipe' })
  const said: string[] = []
  transport.stderr?.on('data', (chunk) => said.push(String(chunk)))
  const ended = new Promise((resolve) => transport.stderr?.on('end', resolve))
  const client = new Client({ name: 'conformance', version: '1' })
  const connect = async () => {
    try {
      await desktop.during(client.connect(transport, { timeout: patienceSeconds * 1_000 }))
    } catch (error) {
      await client.close()
      // The package closes what fails to connect by itself and waits for nobody: the process must not outlive its test.
      await ended
      throw new Error(`mcp-remote did not connect, and said:\n${said.join('')}`, { cause: error })
    }
  }
  return { client, connected: connect() }
}
