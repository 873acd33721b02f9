import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readJson, writePrivate } from './data-folder.ts'
import { type GuardedProcess, startGuarded } from './guarded-process.ts'
import { root } from './start-options.ts'

export type ExampleSettings = { folder: string; issuer: string; port: number }

export type Registration = {
  issuer: string
  server_url: string
  server_id: string
  management_token: string
  api_key: string
}

/** The example could not be registered or started. The message is a sentence for a person. */
export class ExampleFailed extends Error {}

const exampleScopes = [
  { name: 'files:read', description: 'List and read the files in the example folder' },
  { name: 'files:write', description: 'Create and change files in the example folder', default: false },
]

/** Starts the example MCP server, registered as any owner does it, unless that was done at an earlier start. */
export async function startExample({ folder, issuer, port }: ExampleSettings): Promise<GuardedProcess> {
  const registration = await keptRegistration(join(folder, 'example.json'), issuer, urlOf(port))
  return runExample(registration, port, { logFile: join(folder, 'example.log') })
}

export function urlOf(port: number): string {
  return `http://localhost:${port}/mcp`
}

/** Runs the example with these credentials and waits until it answers. */
export async function runExample(
  registration: Registration,
  port: number,
  { logFile, filesFolder }: { logFile: string; filesFolder?: string },
): Promise<GuardedProcess> {
  const main = join(root, 'examples/typescript-server/src/index.ts')
  if (!existsSync(main)) throw new ExampleFailed(`The example is missing (${main}): npm start -- --no-example`)
  const example = startGuarded({
    command: [process.execPath, main],
    cwd: join(root, 'examples/typescript-server'),
    env: {
      AUTH_AGENT_ISSUER: registration.issuer,
      AUTH_AGENT_SERVER_ID: registration.server_id,
      AUTH_AGENT_API_KEY: registration.api_key,
      PORT: String(port),
      SERVER_URL: registration.server_url,
      ...(filesFolder === undefined ? {} : { FILES_FOLDER: filesFolder }),
    },
    logFile,
  })
  await waitForExample(example, registration.server_url)
  return example
}

async function keptRegistration(file: string, issuer: string, serverUrl: string): Promise<Registration> {
  const kept = registrationOf(await readJson(file))
  if (kept?.issuer === issuer && kept.server_url === serverUrl && (await isKnown(kept))) return kept
  const made = await registerExample(issuer, serverUrl)
  await writePrivate(file, JSON.stringify(made, null, 2))
  return made
}

/** Registers the example over the public API and makes its key. */
export async function registerExample(issuer: string, server_url: string): Promise<Registration> {
  const server = await post(`${issuer}/api/servers`, undefined, {
    server_url,
    server_name: 'Example files',
    scopes: exampleScopes,
  })
  const management_token = String(server.management_token)
  const server_id = String(server.server_id)
  const key = await post(`${issuer}/api/servers/${server_id}/keys`, management_token, { name: 'npm start' })
  return { issuer, server_url, server_id, management_token, api_key: String(key.key_secret) }
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
