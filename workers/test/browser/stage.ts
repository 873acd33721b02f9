import { createHash } from 'node:crypto'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { acceptedLanguage } from '../../src/http/language.ts'
import type { Messages } from '../../src/pages/messages/en.ts'
import { messagesIn } from '../../src/pages/messages/languages.ts'
import { type Callback, listenForCallback } from '../support/callback.ts'
import { launchChromium, openContext } from '../support/chromium.ts'
import { type MailReader, openMail } from '../support/mailbox.ts'
import { type Stack, type StackOptions, startStack } from '../support/stack.ts'

/** Everything running, a browser, and a program that waits for its code. */
export type Stage = {
  readonly stack: Stack
  readonly browser: Browser
  readonly program: Callback
  readonly close: () => Promise<void>
}

export async function openStage(options: Partial<StackOptions> = {}): Promise<Stage> {
  const stack = await startStack({ database: 'pglite', ...options })
  const browser = await launchChromium()
  const program = await listenForCallback()
  const close = async () => {
    await browser.close()
    await program.close()
    await stack.close()
  }
  return { stack, browser, program, close }
}

/** What runs with scripting on and off: the names of both, with the browser's options. */
export const scripting = [
  ['on', {}],
  ['off', { javaScriptEnabled: false }],
] as const

export const describedScopes = [
  { name: 'files:read', description: 'List and read the files in the shared folder.', required: true },
  { name: 'files:write', description: 'Create and change files.' },
  { name: 'files:delete', description: 'Delete files for good.' },
]

type ServerOptions = {
  readonly scopes?: readonly unknown[]
  readonly server_name?: string
  readonly description?: string
  readonly requires_passkey?: boolean
}

/** A server that nobody else has; its URL is the resource to ask for. */
export async function registerServer({ stack }: Stage, options: ServerOptions = {}): Promise<string> {
  const server_url = `http://localhost:9401/${crypto.randomUUID().slice(0, 8)}/mcp`
  const response = await fetch(new URL('/api/servers', stack.issuer), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ server_url, server_name: 'Team files', scopes: describedScopes, ...options }),
  })
  if (response.status !== 201) throw new Error(`registering answered ${response.status}: ${await response.text()}`)
  return server_url
}

const codeVerifier = 'a-verifier-that-is-long-enough-for-rfc-7636-4-1'

/** The link that the program opens; a given field replaces the right one. */
export function authorizeUrl({ stack, program }: Stage, resource: string, fields: Record<string, string> = {}): string {
  const url = new URL('/authorize', stack.issuer)
  const right = {
    response_type: 'code',
    client_id: 'client_claude_code',
    redirect_uri: program.redirectUri,
    state: 'a-state',
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource,
  }
  for (const [name, value] of Object.entries({ ...right, ...fields })) url.searchParams.set(name, value)
  return url.href
}

/** Somebody with an address of their own at a window of their own. */
export type Guest = {
  readonly email: string
  readonly mail: MailReader
  /** What the pages say in the language of this window. */
  readonly text: Messages
  readonly context: BrowserContext
  readonly page: Page
}

export async function welcome(stage: Stage, options: BrowserContextOptions = {}): Promise<Guest> {
  const email = `ada-${crypto.randomUUID().slice(0, 6)}@example.org`
  const context = await openContext(stage.browser, { locale: 'en-US', ...options })
  const text = messagesIn(acceptedLanguage(options.locale))
  return { email, mail: openMail(stage.stack.mailbox.url, email), text, context, page: await context.newPage() }
}

/** Opens a page of ours. */
export async function visitPath({ stack }: Stage, page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, stack.issuer).href)
}

/** From the sign-in page to the page after it, which has no field for a code. */
export async function signIn({ page, email, mail, text }: Guest): Promise<void> {
  await page.locator('#email').fill(email)
  await page.getByRole('button', { name: text.sign_in.submit }).click()
  await page.locator('#code').fill(await mail.nextCode())
  await page.getByRole('button', { name: text.code.submit, exact: true }).click()
  await page.locator('#code').waitFor({ state: 'detached' })
}

export type SignedIn = Awaited<ReturnType<BrowserContext['storageState']>>

/** What a browser holds once somebody has signed in: windows that are opened with it go straight to consent. */
export async function signedInState(stage: Stage, resource: string): Promise<SignedIn> {
  const guest = await welcome(stage)
  await guest.page.goto(authorizeUrl(stage, resource))
  await signIn(guest)
  const state = await guest.context.storageState()
  await guest.context.close()
  return state
}

/** Approves as a person with a mouse does: the pointer is on the page for a moment before the button takes it (B2). */
export async function approve(page: Page): Promise<void> {
  await page.locator('h1').hover()
  await page.locator('button[value="approve"]').click()
}

/** The program takes the code it was sent: only then is it connected. Gives its access token. */
export async function redeem({ stack, program }: Stage, page: Page): Promise<string> {
  await page.waitForURL((url) => url.searchParams.has('code'))
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: new URL(page.url()).searchParams.get('code') ?? '',
    redirect_uri: program.redirectUri,
    client_id: 'client_claude_code',
    code_verifier: codeVerifier,
  })
  const answer = await fetch(new URL('/token', stack.issuer), { method: 'POST', body })
  if (!answer.ok) throw new Error(`/token answered ${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { access_token: string }).access_token
}

/** The transaction of the page that is shown. */
export async function shownTransaction(page: Page): Promise<string> {
  return (await page.locator('input[name="transaction"]').first().getAttribute('value')) ?? ''
}
