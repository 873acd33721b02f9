import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  approve,
  authorizeUrl,
  type Guest,
  openStage,
  registerServer,
  type Stage,
  shownTransaction,
  signIn,
  welcome,
} from './stage.ts'

let stage: Stage
let resource: string
let guest: Guest
beforeAll(async () => {
  stage = await openStage()
  resource = await registerServer(stage)
})
afterAll(() => stage.close())
afterEach(() => guest.context.close())

const landed = (url: string) => url.startsWith(stage.program.redirectUri)
const arrive = async () => {
  await guest.page.waitForURL((url) => landed(url.href))
  return new URL(guest.page.url()).searchParams
}

describe('from a program’s link to its code', () => {
  it('goes through sign-in and consent in a real browser', async () => {
    guest = await welcome(stage)
    await guest.page.goto(authorizeUrl(stage, resource))
    await signIn(guest)
    await approve(guest.page)
    const answer = await arrive()
    expect(answer.get('code')).toMatch(/^mac_/)
    expect([answer.get('state'), answer.get('iss')]).toEqual(['a-state', stage.stack.issuer])
  })

  it('B27 goes the same way with scripting off', async () => {
    guest = await welcome(stage, { javaScriptEnabled: false })
    await guest.page.goto(authorizeUrl(stage, resource))
    await signIn(guest)
    await approve(guest.page)
    expect((await arrive()).has('code')).toBe(true)
  })

  it('goes the same way by keyboard alone, without reaching for a mouse', async () => {
    guest = await welcome(stage)
    const { page, mail, email } = guest
    const tabTo = async (selector: string) => {
      for (let presses = 0; presses < 25; presses++) {
        await page.keyboard.press('Tab')
        if (await page.locator(selector).evaluateAll((found) => found.includes(document.activeElement as never))) return
      }
      throw new Error(`Tab never reaches ${selector}`)
    }
    await page.goto(authorizeUrl(stage, resource))
    await tabTo('#email')
    await page.keyboard.type(email)
    await page.keyboard.press('Enter')
    await page.locator('#code').waitFor()
    await tabTo('#code')
    await page.keyboard.type(await mail.nextCode())
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Approve' }).waitFor()
    await tabTo('input[value="files:delete"]')
    await page.keyboard.press('Space')
    await tabTo('.approve')
    await page.keyboard.press('Enter')
    expect((await arrive()).has('code')).toBe(true)
  })

  it('decides nothing when Enter is pressed in a tick box', async () => {
    guest = await welcome(stage)
    const { page } = guest
    await page.goto(authorizeUrl(stage, resource))
    await signIn(guest)
    await page.getByRole('button', { name: 'Approve' }).waitFor()
    await page.locator('input[value="files:write"]').focus()
    await Promise.all([page.waitForEvent('framenavigated'), page.keyboard.press('Enter')])
    await page.locator('input[value="files:write"]').uncheck()
    expect(new URL(page.url()).pathname).toBe('/consent')
  })

  it('tells the program of a Deny, which needs no waiting', async () => {
    guest = await welcome(stage)
    await guest.page.goto(authorizeUrl(stage, resource))
    await signIn(guest)
    await guest.page.getByRole('button', { name: 'Deny' }).click()
    expect((await arrive()).get('error')).toBe('access_denied')
  })

  it('lets a person change the account on the way', async () => {
    guest = await welcome(stage)
    const { page } = guest
    await page.goto(authorizeUrl(stage, resource))
    await signIn(guest)
    const other = await welcome(stage)
    await other.context.close()
    await page.getByRole('button', { name: 'Use another account' }).click()
    await signIn({ ...other, page })
    expect(await page.locator('dl').textContent()).toContain(other.email)
    await approve(page)
    expect((await arrive()).has('code')).toBe(true)
  })

  it('works on a touch screen of 360 px, where nothing hovers', async () => {
    guest = await welcome(stage, { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true })
    await guest.page.goto(authorizeUrl(stage, resource))
    await signIn(guest)
    await guest.page.getByRole('button', { name: 'Approve' }).tap()
    expect((await arrive()).has('code')).toBe(true)
  })
})

describe('back and again', () => {
  it('offers the current page when a stale one is sent', async () => {
    guest = await welcome(stage)
    const { page } = guest
    await page.goto(authorizeUrl(stage, resource))
    const stale = await guest.context.newPage()
    await stale.goto(`${stage.stack.issuer}/sign-in?transaction=${await shownTransaction(page)}`)
    await signIn(guest)
    await stale.locator('#email').fill('someone@example.org')
    await stale.getByRole('button', { name: 'Send me a code' }).click()
    await stale.getByRole('link', { name: 'Open the current page' }).click()
    expect(await stale.locator('h1').textContent()).toContain('Allow')
  })

  it('says that a decided request is decided', async () => {
    guest = await welcome(stage)
    const { page } = guest
    await page.goto(authorizeUrl(stage, resource))
    await signIn(guest)
    const consent = page.url()
    await page.getByRole('button', { name: 'Deny' }).click()
    await arrive()
    await page.goto(consent)
    expect(await page.locator('h1').textContent()).toBe('This sign-in has been finished already')
    expect(await page.locator('.reference').textContent()).toMatch(/req_[0-9A-Za-z]{16}/)
  })
})
