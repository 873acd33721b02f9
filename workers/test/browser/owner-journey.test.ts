import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { type ExampleProgram, prepareExample } from 'auth-agent-mcp-local/scripts/example-programs.ts'
import { runExample } from 'auth-agent-mcp-local/scripts/example-server.ts'
import type { GuardedProcess } from 'auth-agent-mcp-local/scripts/guarded-process.ts'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { type Listening, listen, readBody } from 'auth-agent-mcp-local/src/http.ts'
import type { Page } from 'playwright-core'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callbackOf, createProgram, spoilAccessToken } from '../conformance/mcp-program.ts'
import { meetPerson, type Person } from '../support/person.ts'
import { readmeBlock, runCurl } from '../support/readme.ts'
import { openStage, type Stage, signIn, visitPath, welcome } from './stage.ts'

type Told = { readonly body: string; readonly headers: Record<string, string> }

let stage: Stage
let folder: string
let program: ExampleProgram
let receiver: Listening
const told: Told[] = []
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth-agent-owner-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  // What `npm start -- --loopback-documents` runs; a host that was not there a moment ago may be asked again.
  const LIMITS = '{"document_failures_per_host":1000}'
  stage = await openStage({ variables: { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS } })
  program = await prepareExample('typescript', join(folder, 'environment.log'), closers)
  receiver = await listen(
    async (request, response) => {
      const body = (await readBody(request, 100_000)) ?? ''
      told.push({ body, headers: request.headers as Record<string, string> })
      response.writeHead(204).end()
    },
    0,
    'the receiver of webhooks',
  )
})
afterAll(async () => {
  for (const close of closers.toReversed()) await close()
  await receiver?.close()
  await stage?.close()
})

/** The server as it was registered, and the program that runs it. */
type Server = {
  readonly server_id: string
  readonly management_token: string
  readonly port: number
  readonly url: string
}

/** A command of the README, with this place and what earlier answers said. */
function fillIn(command: string, { url, server_id, management_token }: Partial<Server>): string {
  return command
    .replaceAll('http://localhost:9400', stage.stack.issuer)
    .replaceAll('http://localhost:3000/mcp', url ?? '')
    .replaceAll('SERVER_ID', server_id ?? '')
    .replaceAll('MANAGEMENT_TOKEN', management_token ?? '')
}

async function register(): Promise<Server> {
  const port = await freePort()
  const url = `http://localhost:${port}/mcp`
  const { server_id = '', management_token = '' } = await runCurl(fillIn(readmeBlock('sh', '/api/servers -H'), { url }))
  // As outside of one's own machine, where a URL counts once it is proven.
  await stage.stack.query(
    "update mcp_data.servers set status = 'pending', verified_at = null, proof_method = null where server_id = $1",
    [server_id],
  )
  return { server_id, management_token, port, url }
}

/** Starts the example with a key, in the place of the one that ran. */
async function deploy({ server_id, port, url }: Server, api_key: string, before?: GuardedProcess) {
  await before?.stop()
  const registration = { issuer: stage.stack.issuer, server_url: url, server_id, api_key, management_token: '' }
  const logFile = join(folder, 'example.log')
  const running = await runExample(program, registration, { port, logFile })
  closers.push(running.stop)
  return running
}

const press = async (page: Page, name: string) => {
  await page.getByRole('button', { name, exact: true }).click()
  await page.waitForLoadState('load')
}
const openTab = (page: Page, name: string) => page.getByRole('link', { name, exact: true }).click()
const sees = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor()

/** Makes a key on the page and reads it, the one time that it is shown. */
async function makeKey(page: Page, name: string): Promise<string> {
  await openTab(page, 'API keys')
  await page.locator('#name').fill(name)
  await press(page, 'Make the key')
  return (await page.locator('.secret').textContent()) ?? ''
}

/** Whether a key is good, as its server finds out. */
async function introspect({ server_id }: Server, key: string, token: string) {
  const response = await fetch(new URL('/introspect', stage.stack.issuer), {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${server_id}:${key}`)}` },
    body: new URLSearchParams({ token }),
  })
  return { status: response.status, active: ((await response.json()) as { active?: boolean }).active }
}

async function connectProgram(person: Person, url: string) {
  const { memory, provider } = createProgram<OAuthTokens>(person, stage.program.redirectUri, { kind: 'pre_registered' })
  // The package's own transport does not satisfy its own type under exactOptionalPropertyTypes.
  type Transport = Parameters<Client['connect']>[0]
  const open = () => new StreamableHTTPClientTransport(new URL(url), { authProvider: provider })
  const first = open()
  const client = new Client({ name: 'journey', version: '1' })
  await expect(client.connect(first as Transport)).rejects.toThrow(UnauthorizedError)
  await first.finishAuth(callbackOf(memory).get('code') ?? '')
  const connected = new Client({ name: 'journey', version: '1' })
  await connected.connect(open() as Transport)
  return { client: connected, memory, provider }
}

const listFiles = { name: 'list_files', arguments: {} }

it('an owner registers with curl, accepts, deploys, proves, rotates a key, cuts a program off, and finds what failed', async () => {
  const { stack } = stage
  const server = await register()
  const owner = await welcome(stage)
  const { page } = owner

  // Offered to the owner's own address, and taken on the dashboard: the management token is worth nothing from then on.
  await visitPath(stage, page, '/dashboard')
  await signIn(owner)
  await sees(page, 'You have no server yet.')
  const offer = fillIn(readmeBlock('sh', '/offer'), server).replace('you@example.org', owner.email)
  expect(await runCurl(offer)).toMatchObject({ server_id: server.server_id, offered_to: owner.email })
  expect((await owner.mail.nextNotice(/is offered to you/)).text).toContain(server.server_id)
  await page.reload()
  await press(page, 'Accept: My files')
  await sees(page, 'It is yours now.')
  await expect(runCurl(offer)).resolves.toMatchObject({ error: 'invalid_token' })

  // Nothing is there yet that proves the URL; deploying the middleware does.
  await press(page, 'Try the proof now')
  await sees(page, `We fetched http://localhost:${server.port}/.well-known/oauth-protected-resource/mcp`)
  expect(await page.locator('h1 .tag').textContent()).toBe('waits for its proof')
  const oldKey = await makeKey(page, 'production')
  const running = await deploy(server, oldKey)
  await openTab(page, 'Overview')
  await stack.query("delete from mcp_data.limits where kind = 'server_proof'")
  await press(page, 'Try the proof now')
  await sees(page, 'The URL is proven.')
  expect(await page.locator('h1 .tag').textContent()).toBe('proven')
  await press(page, 'Look at it from outside')
  await sees(page, 'Metadata document')
  expect(await page.locator('[role="status"] .tag').allTextContents()).toEqual(['right', 'right', 'right', 'right'])

  // A webhook for two kinds of events, whose signature a library of others verifies.
  await openTab(page, 'Webhooks')
  await page.locator('#url').fill(`${receiver.url}/hooks`)
  for (const kind of ['theft.suspected', 'key.expiring', 'proof.failing', 'server.suspended'])
    await page.locator(`input[value="${kind}"]`).uncheck()
  await press(page, 'Make the webhook')
  expect(await page.locator('main').textContent()).toContain('New secret')
  const webhook = new Webhook((await page.locator('.secret').textContent()) ?? '')
  const person = await meetPerson(stage.browser, { issuer: stack.issuer, mailboxUrl: stack.mailbox.url })
  const { client, memory, provider } = await connectProgram(person, server.url)
  expect(JSON.stringify(await client.callTool(listFiles))).toContain('welcome.md')
  await stack.runScheduled()
  const [made] = told
  expect(webhook.verify(made?.body ?? '', made?.headers ?? {})).toMatchObject({
    type: 'connection.made',
    data: { server_id: server.server_id, client_id: 'client_claude_code' },
  })
  expect(() => webhook.verify(`${made?.body} `, made?.headers ?? {})).toThrow(WebhookVerificationError)
  await openTab(page, 'Webhooks')
  await sees(page, 'delivered')

  // Rotation with overlap: both keys are good until the old one is revoked.
  const newKey = await makeKey(page, 'production, next')
  const token = memory.tokens?.access_token ?? ''
  for (const key of [oldKey, newKey])
    expect(await introspect(server, key, token)).toEqual({ status: 200, active: true })
  await deploy(server, newKey, running)
  expect(JSON.stringify(await client.callTool(listFiles))).toContain('welcome.md')
  await openTab(page, 'API keys')
  await press(page, 'Revoke: production')
  await sees(page, 'Revoked. It is refused from the next request on.')
  expect((await owner.mail.nextNotice(/was revoked/)).text).toContain(server.server_id)
  expect((await introspect(server, oldKey, token)).status).toBe(401)
  expect(await introspect(server, newKey, token)).toEqual({ status: 200, active: true })

  // Blocking the program cuts its connection and keeps it out.
  await openTab(page, 'Clients')
  await sees(page, person.email)
  await press(page, 'Block the program: Claude Code')
  await sees(page, 'Blocked. Its connections have ended.')
  await sees(page, 'Nobody is connected.')
  expect(await introspect(server, newKey, token)).toEqual({ status: 200, active: false })
  let asked = new URL(stack.issuer)
  provider.redirectToAuthorization = async (url) => {
    asked = url
  }
  spoilAccessToken(memory)
  await expect(client.callTool(listFiles)).rejects.toThrow(UnauthorizedError)
  const window = await person.openWindow()
  await window.goto(asked.href)
  const refusal = new URL(window.url()).searchParams
  expect([refusal.get('error'), refusal.get('error_uri')]).toEqual([
    'unauthorized_client',
    expect.stringContaining('#client_not_allowed'),
  ])
  await stack.runScheduled()
  expect(webhook.verify(told.at(-1)?.body ?? '', told.at(-1)?.headers ?? {})).toMatchObject({
    type: 'connection.revoked',
  })

  // Let in again, its person comes too late; the reference on the page leads the owner to what happened.
  await press(page, 'Remove: client_claude_code')
  await window.goto(asked.href)
  await window.locator('h1').hover()
  await stack.query(
    "update mcp_data.transactions set created_at = created_at - interval '11 minutes', expires_at = now() - interval '1 second' where decision is null",
  )
  await window.locator('button[value="approve"]').click()
  const reference = /req_[0-9A-Za-z]{16}/.exec((await window.locator('main').textContent()) ?? '')?.[0] ?? ''
  await openTab(page, 'Attempts')
  await page.getByLabel('Reference').fill(reference)
  await press(page, 'Find')
  await sees(page, 'left before the end')
  const timeline = (await page.locator('.timeline').textContent()) ?? ''
  for (const shown of ['Page refused', 'transaction_expired', reference]) expect(timeline).toContain(shown)
  await client.close()
  await person.leave()
  await owner.context.close()
})
