import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readJson, writePrivate } from './data-folder.ts'
import { type GuardedProcess, startGuarded } from './guarded-process.ts'
import { root } from './start-options.ts'

export type ExampleSettings = { folder: string; issuer: string; port: number }

type Registration = { issuer: string; server_url: string; server_id: string; management_token: string; api_key: string }

/** The example could not be registered or started. The message is a sentence for a person. */
export class ExampleFailed extends Error {}

export const exampleScopes = [
  { name: 'files:read', description: 'List and read the files in the example folder' },
  { name: 'files:write', description: 'Create and change files in the example folder', default: false },
]

/** Registers the example MCP server as any owner does, unless that was done before, and starts it. */
export async function startExample({ folder, issuer, port }: ExampleSettings): Promise<GuardedProcess> {
  const serverUrl = `http://localhost:${port}/mcp`
  const registration = await registrationFor(join(folder, 'example.json'), issuer, serverUrl)
  const main = join(root, 'examples/typescript-server/src/index.ts')
  if (!existsSync(main)) throw new ExampleFailed(`The example is missing (${main}): npm start -- --no-example`)
  const example = startGuarded({
    command: [process.execPath, main],
    cwd: join(root, 'examples/typescript-server'),
    env: {
      AUTH_AGENT_ISSUER: issuer,
      AUTH_AGENT_SERVER_ID: registration.server_id,
      AUTH_AGENT_API_KEY: registration.api_key,
      PORT: String(port),
      SERVER_URL: serverUrl,
    },
    logFile: join(folder, 'example.log'),
  })
  await waitForExample(example, serverUrl)
  return example
}

async function registrationFor(file: string, issuer: string, serverUrl: string): Promise<Registration> {
  const kept = registrationOf(await readJson(file))
  if (kept?.issuer === issuer && kept.server_url === serverUrl && (await isKnown(kept))) return kept
  const server = await post(`${issuer}/api/servers`, undefined, {
    server_url: serverUrl,
    server_name: 'Example files',
    scopes: exampleScopes,
  })
  const management_token = String(server.management_token)
  const server_id = String(server.server_id)
  const key = await post(`${issuer}/api/servers/${server_id}/keys`, management_token, { name: 'npm start' })
  const made = { issuer, server_url: serverUrl, server_id, management_token, api_key: String(key.key_secret) }
  await writePrivate(file, JSON.stringify(made, null, 2))
  return made
}

function registrationOf(kept: Record<string, string>): Registration | undefined {
  const { issuer, server_url, server_id, management_token, api_key } = kept
  const isWhole = issuer && server_url && server_id && management_token && api_key
  return isWhole ? { issuer, server_url, server_id, management_token, api_key } : undefined
}

// A server can be deleted and a key revoked; the credentials are tried before they are relied on.
async function isKnown({ issuer, server_id, api_key }: Registration): Promise<boolean> {
  const response = await fetch(`${issuer}/introspect`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${server_id}:${api_key}`)}` },
    body: new URLSearchParams({ token: 'none' }),
  })
  await response.arrayBuffer()
  return response.ok
}

async function post(url: string, bearer: string | undefined, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok)
    throw new ExampleFailed(`Registering the example failed: ${url} answered ${response.status} ${text}`)
  const answer: unknown = JSON.parse(text)
  return typeof answer === 'object' && answer !== null ? { ...answer } : {}
}

async function waitForExample(example: GuardedProcess, serverUrl: string): Promise<void> {
  let isOver = false
  void example.ended.then(() => {
    isOver = true
  })
  const deadlineMs = Date.now() + 30_000
  while (!isOver && Date.now() < deadlineMs) {
    // Any answer will do: without a token it is a 401.
    const response = await fetch(serverUrl, { method: 'POST' }).catch(() => undefined)
    if (response !== undefined) return void (await response.arrayBuffer())
    await delay(50)
  }
  await example.stop()
  throw new ExampleFailed(`The example server did not start:\n${example.lastLines()}`)
}
