import type { BrowserContextOptions, Page } from 'playwright-core'
import { leaving, lookingAround } from './account-tour.ts'
import { runningServers } from './dashboard-tour.ts'
import {
  approve,
  authorizeUrl,
  type Guest,
  redeem,
  registerServer,
  type Stage,
  shownTransaction,
  signIn,
  welcome,
} from './stage.ts'

/** One page as it is shown; `name` is also the name of its picture. */
export type Stop = { readonly name: string; readonly page: Page }

/** Visits every page there is, in one browser window, in the order in which people meet them. */
export async function* tour(stage: Stage, options: BrowserContextOptions): AsyncGenerator<Stop> {
  const guest = await welcome(stage, options)
  try {
    for await (const name of visit(stage, guest)) yield { name, page: guest.page }
  } finally {
    await guest.context.close()
  }
}

async function* visit(stage: Stage, guest: Guest): AsyncGenerator<string> {
  const { page } = guest
  const { issuer } = stage.stack
  const opened = async (path: string) => void (await page.goto(new URL(path, issuer).href))
  await opened('/')
  yield 'home'
  await opened('/errors')
  yield 'errors'
  await opened('/sign-in')
  yield 'sign-in-account'
  yield* askedForPasskeys(stage, guest)
  await opened('/sign-out')
  yield 'signed-out'
  await page.goto(authorizeUrl(stage, `${issuer}/api`, { client_id: 'client_nobody' }))
  yield 'dead-end'
  yield* signingIn(stage, guest)
  yield* consenting(stage, guest)
  yield* lookingAround(stage, guest)
  yield* runningServers(stage, guest)
  await opened('/sign-out')
  yield 'sign-out'
  yield* leaving(stage, guest)
}

/** Where the browser has used a passkey, and where a server insists on one. */
async function* askedForPasskeys(stage: Stage, { page, context }: Guest): AsyncGenerator<string> {
  const { issuer } = stage.stack
  await context.addCookies([{ name: 'passkey', value: 'used', url: issuer }])
  await page.goto(new URL('/sign-in', issuer).href)
  await page.locator('form[data-passkey] button').waitFor({ state: 'visible' })
  yield 'sign-in-passkey'
  await page.goto(authorizeUrl(stage, await registerServer(stage, { requires_passkey: true })))
  await page.locator('form[data-passkey] button').waitFor({ state: 'visible' })
  yield 'sign-in-passkey-required'
  await context.clearCookies({ name: 'passkey' })
}

async function* signingIn(stage: Stage, { page, mail, email }: Guest): AsyncGenerator<string> {
  const resource = await registerServer(stage, { description: 'The shared folder of the team.' })
  const type = async (field: string, text: string) => {
    await page.locator(field).fill(text)
    await page.locator(`form:has(${field}) button`).click()
    await page.waitForLoadState('load')
  }
  await page.goto(authorizeUrl(stage, resource))
  yield 'sign-in'
  await type('#email', 'ada@localhost')
  yield 'sign-in-refused'
  await type('#email', email)
  yield 'code'
  const code = await mail.nextCode()
  const wrong = code.replaceAll(/\d/g, (digit) => ((Number(digit) + 1) % 10).toString())
  await type('#code', wrong)
  yield 'code-wrong'
  await type('#code', code)
  yield 'consent'
}

async function* consenting(stage: Stage, guest: Guest): AsyncGenerator<string> {
  const { page, text } = guest
  await becomeUnverified(stage, page)
  await page.reload()
  yield 'consent-unverified'
  await page.locator('button[value="deny"]').click()
  await page.getByRole('heading', { name: text.redirect_link.denied_heading }).waitFor()
  yield 'denied'
  const resource = await registerServer(stage)
  await page.goto(authorizeUrl(stage, resource, { scope: 'files:read' }))
  await approve(page)
  await redeem(stage, page)
  await page.goto(authorizeUrl(stage, resource, { scope: 'files:read files:write' }))
  await page.getByRole('heading', { name: text.consent.step_up_heading }).waitFor()
  yield 'consent-step-up'
  yield* withLongNames(stage, guest)
}

async function* withLongNames(stage: Stage, guest: Guest): AsyncGenerator<string> {
  const { page } = guest
  const scopes = Array.from({ length: 32 }, (_, index) => ({ name: `reports:${index}`, description: 'd'.repeat(120) }))
  const long = await registerServer(stage, { server_name: 'W'.repeat(64), scopes })
  await page.goto(authorizeUrl(stage, long, { scope: 'openid profile email reports:1 reports:2' }))
  await page.locator('button[value="deny"]').waitFor()
  yield 'consent-long'
  yield* usingUpTries(stage, guest)
}

async function* usingUpTries(stage: Stage, guest: Guest): AsyncGenerator<string> {
  const { page, text } = guest
  const other = await registerServer(stage)
  await page.goto(authorizeUrl(stage, other))
  await page.getByRole('button', { name: text.consent.switch_account }).click()
  await page.locator('#email').fill(`${crypto.randomUUID().slice(0, 6)}@example.org`)
  await page.getByRole('button', { name: text.sign_in.submit }).click()
  for (let tries = 0; tries < 5; tries++) {
    await page.locator('#code').fill('00000000')
    await page.locator('form:has(#code) button').click()
    await page.getByRole('alert').waitFor()
  }
  yield 'code-dead'
  await page.goto(authorizeUrl(stage, other))
  await signIn(guest)
}

/** As if the client had registered itself, with a redirect to a host of its choice. */
async function becomeUnverified(stage: Stage, page: Page): Promise<void> {
  const redirectUri = 'https://app.example.net/oauth/callback'
  const client = { kind: 'dynamic', client_id: 'dcr_tour', client_name: 'Notes', redirect_uris: [redirectUri] }
  await stage.stack.query(
    'update mcp_data.transactions set redirect_uri = $1, client = client || $2::jsonb where transaction_id = $3',
    [redirectUri, JSON.stringify(client), await shownTransaction(page)],
  )
}

/** Waits until a page has come to rest: what appears late has appeared. */
export async function settle(page: Page): Promise<void> {
  if (await page.locator('.approve').count()) await page.locator('.approve').waitFor({ state: 'visible' })
}
