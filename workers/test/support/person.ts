import type { Browser, Page } from 'playwright-core'
import { openContext } from './chromium.ts'
import { type MailReader, openMail } from './mailbox.ts'

export type Decision = {
  readonly decision: 'approve' | 'deny'
  /** Scopes to untick before deciding; the page ticks all of them. */
  readonly untick?: readonly string[]
}

export type Visit = {
  /** Where the browser ended: the program's redirect URI with its parameters. */
  readonly landed: URL
  /** The pages of ours that were shown, in order. */
  readonly pages: readonly ('sign_in' | 'code' | 'consent')[]
  /** The scopes the consent page listed and its whole text; empty when it was not shown. */
  readonly scopes: readonly string[]
  readonly consentText: string
}

/** Somebody with an address and a browser, who opens a link a program shows, signs in when asked, and decides. */
export type Person = {
  readonly email: string
  readonly authorize: (url: URL, decision: Decision) => Promise<Visit>
  /** Another window of the same browser. */
  readonly openWindow: () => Promise<Page>
  readonly mail: MailReader
  readonly leave: () => Promise<void>
}

type Seen = { pages: ('sign_in' | 'code' | 'consent')[]; scopes: string[]; consentText: string }

async function signIn(page: Page, email: string): Promise<void> {
  await page.locator('form[action*="/sign-in"] input[name="email"]').first().fill(email)
  await page.locator('form:has(#email) button[type="submit"]').click()
}

async function enterCode(page: Page, mail: MailReader): Promise<void> {
  await page.locator('input[name="code"]').fill(await mail.nextCode())
  await page.locator('form:has(#code) button[type="submit"]').click()
}

async function decide(page: Page, { decision, untick = [] }: Decision): Promise<void> {
  for (const scope of untick) await page.locator(`input[name="scope"][value="${scope}"]`).uncheck()
  // Approve can be pressed only after the pointer has rested on the page for a moment (THREATS B2).
  await page.locator('h1').hover()
  await page.locator(`button[name="decision"][value="${decision}"]`).click()
}

async function look(page: Page): Promise<'sign_in' | 'code' | 'consent'> {
  const steps = page.locator('#email, #code, button[name="decision"][value="deny"]')
  await steps.first().waitFor({ state: 'visible' })
  if (await page.locator('#code').count()) return 'code'
  return (await page.locator('#email').count()) ? 'sign_in' : 'consent'
}

async function answer(page: Page, seen: Seen, person: { email: string; mail: MailReader }, decision: Decision) {
  const step = await look(page)
  seen.pages.push(step)
  if (seen.pages.length > 6) throw new Error(`going round in circles: ${seen.pages.join(' → ')}`)
  if (step === 'sign_in') return signIn(page, person.email)
  if (step === 'code') return enterCode(page, person.mail)
  seen.scopes = await page
    .locator('input[name="scope"]')
    .evaluateAll((boxes) => boxes.map((box) => box.getAttribute('value') ?? ''))
  seen.consentText = (await page.locator('body').textContent()) ?? ''
  return decide(page, decision)
}

/** Gives a person a browser window of their own; `issuer` is where our pages are, everything else is the program's. */
export async function meetPerson(browser: Browser, place: { issuer: string; mailboxUrl: string }): Promise<Person> {
  const email = `person-${crypto.randomUUID().slice(0, 8)}@example.com`
  const context = await openContext(browser)
  const mail = openMail(place.mailboxUrl, email)
  const authorize = async (url: URL, decision: Decision): Promise<Visit> => {
    const page = await context.newPage()
    const seen: Seen = { pages: [], scopes: [], consentText: '' }
    await page.goto(url.href)
    while (new URL(page.url()).origin === place.issuer) {
      await Promise.all([page.waitForEvent('framenavigated'), answer(page, seen, { email, mail }, decision)])
      await page.waitForLoadState('load')
    }
    const landed = new URL(page.url())
    await page.close()
    return { ...seen, landed }
  }
  return { email, authorize, openWindow: () => context.newPage(), mail, leave: () => context.close() }
}
