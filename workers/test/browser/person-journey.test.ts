import { readFile } from 'node:fs/promises'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callbackOf, createProgram, type Identity, recordFetch, spoilAccessToken } from '../conformance/mcp-program.ts'
import { type Callback, listenForCallback } from '../support/callback.ts'
import { launchChromium } from '../support/chromium.ts'
import { meetPerson, type Person } from '../support/person.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
let browser: Browser
let callback: Callback
beforeAll(async () => {
  stack = await startStack({ database: 'pglite', example: true })
  browser = await launchChromium()
  callback = await listenForCallback()
})
afterAll(async () => {
  await browser?.close()
  await callback?.close()
  await stack?.close()
})

const listFiles = { name: 'list_files', arguments: {} }
const writeFile = { name: 'write_file', arguments: { name: 'journey.txt', text: 'Written on a journey.' } }

/** A program built on the MCP SDK, connected for reading, and what it sends and sees. */
async function connectProgram(person: Person, identity: Identity) {
  const { memory, provider } = createProgram<OAuthTokens>(person, callback.redirectUri, identity)
  const { wire, fetch } = recordFetch()
  const url = new URL(stack.example?.server_url ?? '')
  const open = () => new StreamableHTTPClientTransport(url, { authProvider: provider, fetch })
  // The package's own transport does not satisfy its own type under exactOptionalPropertyTypes.
  type Transport = Parameters<Client['connect']>[0]
  const first = open()
  const stranger = new Client({ name: 'journey', version: '1' })
  await expect(stranger.connect(first as Transport)).rejects.toThrow(UnauthorizedError)
  await first.finishAuth(callbackOf(memory).get('code') ?? '')
  const client = new Client({ name: 'journey', version: '1' })
  const transport = open()
  await client.connect(transport as Transport)
  return { client, memory, provider, transport, wire }
}

type Program = Awaited<ReturnType<typeof connectProgram>>

/** Asked by its person to write, the program asks for that right too. */
async function stepUp({ client, memory, transport }: Program): Promise<void> {
  memory.tokens = { access_token: memory.tokens?.access_token ?? '', token_type: 'Bearer' }
  await expect(client.callTool(writeFile)).rejects.toThrow(UnauthorizedError)
  await transport.finishAuth(callbackOf(memory).get('code') ?? '')
}

/** The statuses that the program has seen from the MCP server since then. */
const answersOf = ({ wire }: Program, since: number) =>
  wire
    .slice(since)
    .filter((line) => line.includes(' /mcp '))
    .map((line) => line.split(' ').at(-1))

async function look(page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, stack.issuer).href)
}

/** Signs in on the page that is shown. */
async function signIn(page: Page, person: Person): Promise<void> {
  await page.locator('#email').fill(person.email)
  await page.locator('form:has(#email) button[type="submit"]').click()
  await page.locator('#code').fill(await person.mail.nextCode())
  await page.locator('form:has(#code) button[type="submit"]').click()
  await page.locator('#code').waitFor({ state: 'detached' })
}

/** A right is taken away on the account: the next call that needs it is 403. */
async function narrow(page: Page, program: Program): Promise<void> {
  await look(page, '/account')
  await page.locator('.item', { hasText: 'files:write' }).locator('.item-actions a').click()
  await page.getByLabel('files:write').uncheck()
  await page.getByRole('button', { name: 'Take away what is unticked' }).click()
  await page.getByText('Changed. It counts from now on.').waitFor()
  // The program renews its token; what the server remembers of the old one is of no use.
  spoilAccessToken(program.memory)
  const since = program.wire.length
  await expect(program.client.callTool(writeFile)).rejects.toThrow(StreamableHTTPError)
  expect(answersOf(program, since).at(-1)).toBe('403')
  expect(program.memory.tokens?.scope).toBe('files:read')
  expect(JSON.stringify(await program.client.callTool(listFiles))).toContain('journey.txt')
}

/** Its connections are ended: the next call is 401, the program can renew nothing, and has to ask. */
async function revoke(page: Page, program: Program, name: string): Promise<void> {
  await look(page, '/account')
  await page.locator('.item', { hasText: name }).first().locator('.item-actions a').click()
  await page.getByText('End more than this one…').click()
  await page.getByRole('button', { name: `Disconnect ${name} everywhere` }).click()
  await page.getByRole('status').waitFor()
  spoilAccessToken(program.memory)
  program.memory.decision = { decision: 'deny' }
  const since = program.wire.length
  await expect(program.client.callTool(listFiles)).rejects.toThrow(UnauthorizedError)
  expect(answersOf(program, since)).toEqual(['401'])
  expect(program.wire.slice(since)).toContain('POST /token 400')
  expect(program.memory.visits.at(-1)?.landed.searchParams.get('error')).toBe('access_denied')
  await look(page, '/account/activity')
  expect(await page.locator('.events').textContent()).toContain('Connection ended')
}

/** Everything that is kept of the person, as a file. */
async function download(page: Page): Promise<{ account: { email: string }; connections: readonly object[] }> {
  await look(page, '/account/data')
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download my data' }).click(),
  ])
  return JSON.parse(await readFile(await file.path(), 'utf8')) as Awaited<ReturnType<typeof download>>
}

it('a person connects two programs, narrows and ends one, signs out everywhere, takes the data along, and deletes the account', async () => {
  const person = await meetPerson(browser, { issuer: stack.issuer, mailboxUrl: stack.mailbox.url })
  const claude = await connectProgram(person, { kind: 'pre_registered' })
  await stepUp(claude)
  expect(JSON.stringify(await claude.client.callTool(writeFile))).toContain('Wrote journey.txt')
  expect((await person.mail.nextNotice(/may now use/)).text).toContain('Claude Code may now use localhost')
  const other = await connectProgram(person, { kind: 'dynamic' })
  expect(JSON.stringify(await other.client.callTool(listFiles))).toContain('journey.txt')

  // Both programs are there, each approval on its own, the newest first, and which name nobody vouches for.
  const page = await person.openWindow()
  await look(page, '/account')
  expect(await page.locator('.item h2 .name').allTextContents()).toEqual([
    'Conformance program',
    'Claude Code',
    'Claude Code',
  ])
  expect(await page.locator('.item').first().textContent()).toContain('name not verified')
  await narrow(page, claude)
  await revoke(page, claude, 'Claude Code')
  // The other program goes on.
  expect(JSON.stringify(await other.client.callTool(listFiles))).toContain('journey.txt')

  // Out everywhere: another window of the browser is out, too. Programs stay connected.
  const window = await person.openWindow()
  await look(page, '/sign-out')
  await page.getByRole('button', { name: 'Sign out everywhere' }).click()
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await look(window, '/account')
  expect(new URL(window.url()).pathname).toBe('/sign-in')
  spoilAccessToken(other.memory)
  expect(JSON.stringify(await other.client.callTool(listFiles))).toContain('journey.txt')

  await look(page, '/account/data')
  await signIn(page, person)
  const own = await download(page)
  expect(own.account.email).toBe(person.email)
  expect(JSON.stringify(own.connections)).toContain('Conformance program')

  // Deleted: the program that was left is out, and has nobody to ask.
  await page.getByRole('link', { name: 'Delete my account…' }).click()
  await page.getByLabel('I want to delete my account and all of this.').check()
  await page.getByRole('button', { name: 'Delete my account' }).click()
  await page.getByRole('heading', { name: 'Your account is deleted' }).waitFor()
  expect((await person.mail.nextNotice(/was deleted on/)).text).toContain('Chrome on Linux')
  spoilAccessToken(other.memory)
  const since = other.wire.length
  let asked: URL | undefined
  other.provider.redirectToAuthorization = async (url) => {
    asked = url
  }
  await expect(other.client.callTool(listFiles)).rejects.toThrow(UnauthorizedError)
  expect(answersOf(other, since)).toEqual(['401'])
  await page.goto(asked?.href ?? '')
  await page.locator('#email').waitFor()
  for (const table of [
    'accounts where email = $1',
    'connections c join mcp_data.accounts a using (account_id) where a.email = $1',
  ])
    expect(await stack.query(`select from mcp_data.${table}`, [person.email])).toEqual([])
  await claude.client.close()
  await other.client.close()
  await person.leave()
})
