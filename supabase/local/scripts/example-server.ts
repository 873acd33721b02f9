import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readJson, writePrivate } from './data-folder.ts'
import { ExampleFailed, type ExampleProgram } from './example-programs.ts'
import { type GuardedProcess, startGuarded } from './guarded-process.ts'

export type ExampleSettings = { folder: string; issuer: string; port: number; program: ExampleProgram }

export type Registration = {
  issuer: string
  server_url: string
  server_id: string
  management_token: string
  api_key: string
}

const exampleScopes = [
  { name: 'files:read', description: 'List and read the files in the example folder' },
  { name: 'files:write', description: 'Create and change files in the example folder', default: false },
  { name: 'files:delete', description: 'Delete files in the example folder', default: false },
]

/**
 * Starts the example MCP server, registered as any owner does it, unless that was done at an earlier start.
 * @throws ExampleFailed
 */
export async function startExample({ folder, issuer, port, program }: ExampleSettings): Promise<GuardedProcess> {
  const registration = await keptRegistration(join(folder, 'example.json'), issuer, urlOf(port))
  return runExample(program, registration, { port, logFile: join(folder, 'example.log') })
}

export function urlOf(port: number): string {
  return `http://localhost:${port}/mcp`
}

/**
 * Runs an example with these credentials and waits until it answers.
 * @throws ExampleFailed
 */
export async function runExample(
  { folder, command }: ExampleProgram,
  registration: Registration,
  { port, logFile, filesFolder }: { port: number; logFile: string; filesFolder?: string },
): Promise<GuardedProcess> {
  const example = startGuarded({
    command,
    cwd: folder,
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
  const standing = kept?.issuer === issuer && kept.server_url === serverUrl ? await standingOf(kept) : 'gone'
  if (kept !== undefined && standing !== 'gone') {
    if (standing === 'taken') return kept
    await addMissingScopes(kept)
    if (standing === 'managed') return kept
  }
  const made =
    kept !== undefined && standing === 'keyless'
      ? { ...kept, api_key: await makeKey(kept) }
      : await registerExample(issuer, serverUrl)
  await writePrivate(file, JSON.stringify(made, null, 2))
  return made
}

/** Registers the example over the public API and makes its key. */
export async function registerExample(issuer: string, server_url: string): Promise<Registration> {
  const server = await request('POST', `${issuer}/api/servers`, undefined, {
    server_url,
    server_name: 'Example files',
    scopes: exampleScopes,
  })
  const management_token = String(server.management_token)
  const server_id = String(server.server_id)
  const registration = { issuer, server_url, server_id, management_token }
  return { ...registration, api_key: await makeKey(registration) }
}

async function makeKey({ issuer, server_id, management_token }: Omit<Registration, 'api_key'>): Promise<string> {
  const key = await request('POST', `${issuer}/api/servers/${server_id}/keys`, management_token, { name: 'npm start' })
  return String(key.key_secret)
}

function registrationOf(kept: Record<string, string>): Registration | undefined {
  const { issuer, server_url, server_id, management_token, api_key } = kept
  const isWhole = issuer && server_url && server_id && management_token && api_key
  return isWhole ? { issuer, server_url, server_id, management_token, api_key } : undefined
}

// An owner may have taken the server on the dashboard, which ends its management token; it can be deleted, and its key revoked.
async function standingOf({ issuer, server_id, management_token, api_key }: Registration) {
  const url = `${issuer}/api/servers/${server_id}`
  const managed = await fetch(`${url}/keys`, { headers: { Authorization: `Bearer ${management_token}` } })
  await managed.arrayBuffer()
  if (!managed.ok) {
    const seen = await fetch(url)
    await seen.arrayBuffer()
    return seen.ok ? 'taken' : 'gone'
  }
  const { keys } = await request('GET', `${url}/keys`, management_token)
  const isLive = Array.isArray(keys) && keys.some((key) => isLiveKey(key, api_key))
  return isLive ? 'managed' : 'keyless'
}

function isLiveKey(key: unknown, api_key: string): boolean {
  if (typeof key !== 'object' || key === null || 'revoked_at' in key) return false
  return 'last_four' in key && key.last_four === api_key.slice(-4)
}

// An earlier start may have registered fewer, and a scope outside the catalogue is never granted.
async function addMissingScopes({ issuer, server_id, management_token }: Registration): Promise<void> {
  const url = `${issuer}/api/servers/${server_id}`
  const registered = JSON.stringify((await request('GET', url, management_token)).scopes)
  if (exampleScopes.every(({ name }) => registered.includes(`"${name}"`))) return
  await request('PATCH', url, management_token, { scopes: exampleScopes })
}

async function request(
  method: 'GET' | 'POST' | 'PATCH',
  url: string,
  bearer: string | undefined,
  body?: object,
): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method,
    headers: {
      'Content-Type': 'application/json',
      ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
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
  const deadlineMs = Date.now() + 60_000
  while (!isOver && Date.now() < deadlineMs) {
    // Any answer will do: without a token it is a 401.
    const response = await fetch(serverUrl, { method: 'POST' }).catch(() => undefined)
    if (response !== undefined) return void (await response.arrayBuffer())
    await delay(50)
  }
  await example.stop()
  throw new ExampleFailed(`The example server did not start:\n${example.lastLines()}`)
}
