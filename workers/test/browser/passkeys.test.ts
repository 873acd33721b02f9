import type { CDPSession, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  approve,
  authorizeUrl,
  type Guest,
  openStage,
  redeem,
  registerServer,
  type Stage,
  shownTransaction,
  signIn,
  visitPath,
  welcome,
} from './stage.ts'

let stage: Stage
let resource: string
let guests: Guest[] = []
beforeAll(async () => {
  stage = await openStage()
  resource = await registerServer(stage)
})
afterAll(() => stage.close())
afterEach(async () => {
  for (const { context } of guests) await context.close()
  guests = []
})

type Authenticator = { readonly cdp: CDPSession; readonly authenticatorId: string }

/** The authenticator of a device, which answers by itself (Chrome DevTools Protocol, WebAuthn). */
async function plugIn({ page, context }: Guest): Promise<Authenticator> {
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const options = {
    protocol: 'ctap2' as const,
    transport: 'internal' as const,
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  }
  return { cdp, ...(await cdp.send('WebAuthn.addVirtualAuthenticator', { options })) }
}

async function arrive(options = {}): Promise<Guest> {
  const guest = await welcome(stage, options)
  guests.push(guest)
  return guest
}

/** The device of these tests answers whatever it is asked, so it is asked only when somebody presses the button. */
const askOnlyWhenPressed = ({ context }: Guest) =>
  context.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false)
  })

/** Keeps a list of what the pages ask the device for: at the field, or because somebody pressed the button. */
const noteRequests = ({ context }: Guest) =>
  context.addInitScript(() => {
    const ask = navigator.credentials.get.bind(navigator.credentials)
    navigator.credentials.get = (options) => {
      const asked = ask(options)
      sessionStorage.requests = `${sessionStorage.requests ?? ''} ${options?.mediation ?? 'pressed'}`
      return asked
    }
  })

const notedRequests = async ({ page }: Guest) => {
  const noted = await page.evaluate(() => String(sessionStorage.requests ?? ''))
  return noted.split(' ').filter((request) => request !== '')
}

/** The browser takes up one thing after the other that a page asks of it: what was asked before has been taken up then. */
const untilTakenUp = ({ page }: Guest) =>
  page.evaluate(async () => {
    for (let asked = 0; asked < 20; asked += 1) {
      await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()
    }
  })

/** Somebody who has just made a passkey, and an authenticator that holds it. */
async function passkeyOwner(): Promise<Guest & Authenticator> {
  const guest = await arrive()
  await askOnlyWhenPressed(guest)
  const authenticator = await plugIn(guest)
  await visitPath(stage, guest.page, '/account/passkeys')
  await signIn(guest)
  await guest.page.getByRole('link', { name: 'Add a passkey…' }).click()
  await guest.page.getByLabel('What do you call it?').fill('My laptop')
  await guest.page.getByRole('button', { name: 'Make the passkey' }).click()
  await guest.page.getByRole('heading', { name: 'My laptop' }).waitFor()
  return { ...guest, ...authenticator }
}

/** As if the browser had been closed for a week; the device keeps its passkeys. */
async function comeBack({ page, context }: Guest, fields: Record<string, string> = {}): Promise<void> {
  const kept = (await context.cookies()).filter(({ name }) => name === 'passkey')
  await context.clearCookies()
  await context.addCookies(kept)
  await page.goto(authorizeUrl(stage, resource, fields))
}

const methodsOf = async ({ email }: Guest) => {
  const text = `select auth_method from mcp_data.sessions join mcp_data.accounts using (account_id)
    where email = $1 order by auth_time`
  return (await stage.stack.query(text, [email])).map(({ auth_method }) => auth_method)
}

/** What a passkey would answer to the sign-in page that is shown, asked for at another place. */
async function answerAt(guest: Guest & Authenticator, place: URL): Promise<string> {
  const options = (await guest.page.locator('form[data-passkey]').getAttribute('data-options')) ?? ''
  const signInPage = `/sign-in?transaction=${await shownTransaction(guest.page)}`
  await guest.page.goto(place.href)
  const answer = await guest.page.evaluate(async (json) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(json) as never)
    return JSON.stringify(await navigator.credentials.get({ publicKey }))
  }, options)
  await visitPath(stage, guest.page, signInPage)
  return answer
}

/** An answer of ours that forbids nothing, being no page. */
const ourHealth = () => new URL('/health', stage.stack.issuer)

/** Sends an answer as the page would. */
async function sendAnswer(page: Page, answer: string): Promise<void> {
  await Promise.all([
    page.waitForEvent('load'),
    page.locator('form[data-passkey]').evaluate((form, credential) => {
      const { elements } = form as HTMLFormElement
      ;(elements.namedItem('credential') as HTMLInputElement).value = credential
      ;(form as HTMLFormElement).submit()
    }, answer),
  ])
}

describe('a passkey', () => {
  it('is made, signs in during an authorization, and the program gets its tokens', async () => {
    const guest = await passkeyOwner()
    const mail = await guest.mail.nextNotice(/A passkey was added to your account/)
    expect(mail.text).toContain('Chrome on Linux')
    await comeBack(guest)
    await guest.page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await guest.page.getByRole('heading', { name: /^Allow Claude Code/ }).waitFor()
    expect(await guest.page.getByText(guest.email).count()).toBeGreaterThan(0)
    await approve(guest.page)
    await redeem(stage, guest.page)
    expect((await methodsOf(guest)).at(-1)).toBe('passkey')
  })

  it('is found by itself, at the field for the address (conditional mediation, WebAuthn Level 3 §5.1.4)', async () => {
    const guest = await arrive()
    await plugIn(guest)
    await visitPath(stage, guest.page, '/account/passkeys/add')
    await signIn(guest)
    await guest.page.getByRole('button', { name: 'Make the passkey' }).click()
    await guest.page.getByText('Added.').waitFor()
    await guest.context.clearCookies()
    // The device answers before the page has come to rest.
    await guest.page.goto(authorizeUrl(stage, resource), { waitUntil: 'commit' })
    await guest.page.locator('button[value="deny"]').waitFor()
    expect((await methodsOf(guest)).at(-1)).toBe('passkey')
  })

  // Nothing tells when a request has reached the device. One that arrives there late is answered at the field, and the
  // page is gone before anybody could press its button: then this test begins again.
  it('is asked for by the button while the field still waits for one', { retry: 3 }, async () => {
    const guest = await arrive()
    await noteRequests(guest)
    const { cdp, authenticatorId } = await plugIn(guest)
    await visitPath(stage, guest.page, '/account/passkeys/add')
    await signIn(guest)
    await guest.page.getByRole('button', { name: 'Make the passkey' }).click()
    await guest.page.getByText('Added.').waitFor()
    const answers = (enabled: boolean) =>
      cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
    // The request of the field stays open: what was not answered when it came is not answered later.
    await answers(false)
    await guest.page.evaluate(() => sessionStorage.clear())
    await comeBack(guest)
    await expect.poll(() => notedRequests(guest)).toEqual(['conditional'])
    await untilTakenUp(guest)
    await answers(true)
    await guest.page.getByRole('button', { name: 'Sign in with a passkey' }).click({ timeout: 30_000 })
    await guest.page.locator('button[value="deny"]').waitFor()
    expect(await notedRequests(guest)).toEqual(['conditional', 'pressed'])
    expect((await methodsOf(guest)).at(-1)).toBe('passkey')
  })

  it('is removed, and then signs nobody in', async () => {
    const guest = await passkeyOwner()
    await guest.page.getByRole('button', { name: 'Remove My laptop' }).click()
    await guest.page.getByText('You have none yet.').waitFor()
    await comeBack(guest)
    await guest.page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await guest.page.getByText('That passkey is not known here').waitFor()
    await signIn(guest)
    await guest.page.locator('button[value="deny"]').waitFor()
  })

  it('is renamed', async () => {
    const { page } = await passkeyOwner()
    await page.getByText('Rename…').click()
    await page.getByLabel('New name of My laptop').fill('The old laptop')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'The old laptop' }).waitFor()
  })

  it('J22 is lost: its person asks for the removal with a code, waits, and makes a new one', async () => {
    const { page, cdp, authenticatorId, email, mail } = await passkeyOwner()
    await cdp.send('WebAuthn.clearCredentials', { authenticatorId })
    const later = (assignments: string, table: string) =>
      stage.stack.query(
        `update mcp_data.${table} set ${assignments}
         where account_id = (select account_id from mcp_data.accounts where email = $1)`,
        [email],
      )
    await later("settles_at = now() - interval '1 hour'", 'passkeys')
    await page.getByRole('link', { name: 'Add a passkey…' }).click()
    await page.getByText('A code by e-mail is not enough').waitFor()
    await page.getByRole('link', { name: 'I have lost my passkeys' }).click()
    await page.getByRole('button', { name: 'All my passkeys are lost' }).click()
    await page.getByText('Noted. We have mailed you').waitFor()
    expect((await mail.nextNotice(/all its passkeys are lost/)).text).toContain('“Keep my passkeys”')
    expect(await page.getByRole('button', { name: 'Remove all my passkeys' }).count()).toBe(0)
    const wait = "interval '73 hours'"
    await later(`reported_at = reported_at - ${wait}, removable_at = removable_at - ${wait}`, 'lost_passkeys')
    await page.reload()
    await page.getByRole('button', { name: 'Remove all my passkeys' }).click()
    await page.getByText('You have none yet.').waitFor()
    await page.getByRole('link', { name: 'Add a passkey…' }).click()
    await page.getByLabel('What do you call it?').fill('The new one')
    await page.getByRole('button', { name: 'Make the passkey' }).click()
    await page.getByRole('heading', { name: 'The new one' }).waitFor()
  })

  it('is made once on one device, and the page says so', async () => {
    const { page } = await passkeyOwner()
    await visitPath(stage, page, '/account/passkeys/add')
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('button', { name: 'Make the passkey' }).click()
    await page.getByText('There is a passkey of yours on this device already.').waitFor()
  })

  it('is not given without its person: the page says so, and the code by e-mail works', async () => {
    const guest = await passkeyOwner()
    await comeBack(guest)
    await guest.cdp.send('WebAuthn.setUserVerified', { authenticatorId: guest.authenticatorId, isUserVerified: false })
    await guest.page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await guest.page.getByText('No passkey was given. You can try again.').waitFor()
    await signIn(guest)
    await guest.page.locator('button[value="deny"]').waitFor()
  })

  it('is not needed: without JavaScript the pages say so, and the code by e-mail works', async () => {
    const guest = await arrive({ javaScriptEnabled: false })
    await visitPath(stage, guest.page, '/account/passkeys/add')
    await guest.page.getByText('Passkeys need JavaScript').waitFor()
    expect(await guest.page.getByRole('button', { name: 'Sign in with a passkey' }).count()).toBe(0)
    await signIn(guest)
    await guest.page.getByText('A passkey can only be made with JavaScript').waitFor()
    expect(await guest.page.getByRole('button', { name: 'Make the passkey' }).count()).toBe(0)
  })

  it('B27 is asked for by the only script that runs, and no page says that its policy was broken', async () => {
    const broken: string[] = []
    const guest = await arrive()
    guest.page.on('console', (message) => void broken.push(message.text()))
    guest.page.on('pageerror', (error) => void broken.push(error.message))
    await plugIn(guest)
    await visitPath(stage, guest.page, '/account/passkeys/add')
    await signIn(guest)
    await guest.page.getByRole('button', { name: 'Make the passkey' }).click()
    await guest.page.getByText('Added.').waitFor()
    expect(broken).toEqual([])
  })
})

describe('the answer of a passkey', () => {
  it('that was given to a page of another origin on this host is refused (WebAuthn Level 3 §13.4.9)', async () => {
    const guest = await passkeyOwner()
    await comeBack(guest)
    const elsewhere = new URL(stage.program.redirectUri)
    const answer = await answerAt(guest, elsewhere)
    const { response } = JSON.parse(answer) as { response: { clientDataJSON: string } }
    expect(JSON.parse(atob(response.clientDataJSON))).toMatchObject({ origin: elsewhere.origin })
    await sendAnswer(guest.page, answer)
    await guest.page.getByText('That passkey was not accepted.').waitFor()
  })

  it('A30 that was used once is refused, in the same window and transaction', async () => {
    const guest = await passkeyOwner()
    await comeBack(guest)
    const answer = await answerAt(guest, ourHealth())
    await sendAnswer(guest.page, answer)
    await guest.page.getByRole('button', { name: 'Use another account' }).click()
    await guest.page.locator('#email').waitFor()
    await sendAnswer(guest.page, answer)
    await guest.page.getByText('That passkey was not accepted.').waitFor()
  })

  it('that says it is another person’s is refused', async () => {
    const victim = await passkeyOwner()
    const attacker = await passkeyOwner()
    const [credential] = (await victim.cdp.send('WebAuthn.getCredentials', { authenticatorId: victim.authenticatorId }))
      .credentials
    const url = (base64: string) => base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
    await comeBack(attacker)
    const own = JSON.parse(await answerAt(attacker, ourHealth())) as Record<string, unknown>
    const id = url(credential?.credentialId ?? '')
    const response = { ...(own.response as object), userHandle: url(credential?.userHandle ?? '') }
    await sendAnswer(attacker.page, JSON.stringify({ ...own, id, rawId: id, response }))
    await attacker.page.getByText('That passkey was not accepted.').waitFor()
    expect(await methodsOf(victim)).toEqual(['email_code'])
  })
})
