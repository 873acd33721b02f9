import { readFile } from 'node:fs/promises'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  approve,
  authorizeUrl,
  type Guest,
  openStage,
  redeem,
  registerServer,
  type Stage,
  scripting,
  signIn,
  visitPath,
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

/** Connects the program to the server, as somebody with a new address. */
async function connectAs(options: BrowserContextOptions): Promise<Page> {
  guest = await welcome(stage, options)
  await connectAgain()
  return guest.page
}

async function connectAgain(at = resource): Promise<void> {
  const { page } = guest
  await page.goto(authorizeUrl(stage, at))
  if (await page.locator('#email').count()) await signIn(guest)
  await approve(page)
  await redeem(stage, page)
}

const live = async () => {
  const [row] = await stage.stack.query(
    `select count(*)::integer as n, max(c.scopes::text) as scopes from mcp_data.connections c
     join mcp_data.accounts a using (account_id) where a.email = $1 and c.revoked_at is null`,
    [guest.email],
  )
  return { count: row?.n, scopes: row?.scopes }
}

/** The same person in a window of its own, signed in for the account's pages. */
async function elsewhere(): Promise<{ page: Page; close: () => Promise<void> }> {
  const { page, context } = await welcome(stage)
  await visitPath(stage, page, '/account')
  await signIn({ ...guest, page, context })
  return { page, close: () => context.close() }
}

async function isOut({ page }: { page: Page }): Promise<boolean> {
  await visitPath(stage, page, '/account')
  return new URL(page.url()).pathname === '/sign-in'
}

describe.each(scripting)('with scripting %s', (_name, options) => {
  it('B31 a person signs in for the account, and finds and ends a connection', async () => {
    const page = await connectAs(options)
    await page.context().clearCookies()
    await visitPath(stage, page, '/account')
    await signIn(guest)
    expect(await page.locator('h2').first().textContent()).toBe('Claude Code')
    await page.getByRole('button', { name: 'Disconnect Claude Code from Team files' }).click()
    await page.getByRole('status').waitFor()
    expect(await page.locator('.empty').textContent()).toContain('Nothing is connected.')
    expect((await live()).count).toBe(0)
  })

  it('B32 takes a scope away, and the page shows what is left', async () => {
    const page = await connectAs(options)
    await visitPath(stage, page, '/account')
    await page.getByRole('link', { name: 'Details of Claude Code at Team files' }).click()
    await page.getByLabel('files:write').uncheck()
    await page.getByRole('button', { name: 'Take away what is unticked' }).click()
    await page.getByText('Changed. It counts from now on.').waitFor()
    expect(await page.getByLabel('files:write').count()).toBe(0)
    expect(await page.getByLabel('files:read').isDisabled()).toBe(true)
    expect((await live()).scopes).toBe('{files:read,files:delete}')
  })

  it('B31 ends all of a client, all of a server, everything', async () => {
    const page = await connectAs(options)
    const other = await registerServer(stage, { server_name: 'Reports' })
    await connectAgain()
    await connectAgain(other)
    const endMore = async (name: string) => {
      await page.locator('.item-actions a').last().click()
      await page.getByText('End more than this one…').click()
      await page.getByRole('button', { name }).click()
      await page.getByRole('status').waitFor()
    }
    await visitPath(stage, page, '/account')
    await endMore('Disconnect everything from Team files (2)')
    expect((await live()).count).toBe(1)
    await connectAgain()
    await visitPath(stage, page, '/account')
    await endMore('Disconnect Claude Code everywhere (2)')
    expect((await live()).count).toBe(0)
    await connectAgain()
    await connectAgain()
    await visitPath(stage, page, '/account')
    await page.getByText('Disconnect everything…').click()
    await page.getByRole('button', { name: 'Disconnect everything', exact: true }).click()
    await page.getByText('Nothing is connected.').waitFor()
    expect((await live()).count).toBe(0)
  })

  it('B9 signs out another window, and then everywhere', async () => {
    const page = await connectAs(options)
    const others = [await elsewhere(), await elsewhere()]
    await visitPath(stage, page, '/account/sessions')
    expect(await page.locator('.item').count()).toBe(3)
    await page
      .getByRole('button', { name: /^Sign out Chrome/ })
      .first()
      .click()
    await page.getByText('Signed out there.').waitFor()
    expect((await Promise.all(others.map(isOut))).sort()).toEqual([false, true])
    await page.getByRole('link', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign out everywhere' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    expect(await Promise.all(others.map(isOut))).toEqual([true, true])
    await Promise.all(others.map(({ close }) => close()))
  })

  it('B9 signs out everywhere else, and stays signed in here', async () => {
    const page = await connectAs(options)
    const other = await elsewhere()
    await visitPath(stage, page, '/account/sessions')
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await page.getByText('Signed out there.').waitFor()
    expect([await isOut(other), await page.locator('.item').count()]).toEqual([true, 1])
    await other.close()
  })

  it('tells what happened, and gives all of it as a file', async () => {
    const page = await connectAs({ ...options, acceptDownloads: true })
    await visitPath(stage, page, '/account')
    await page.getByRole('link', { name: 'Activity' }).click()
    expect(await page.locator('.event').first().textContent()).toContain('Program connected · Claude Code, Team files')
    await page.getByRole('link', { name: 'Your data' }).click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download my data' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('auth-agent-account.json')
    const own = JSON.parse(await readFile(await download.path(), 'utf8')) as { account: { email: string } }
    expect(own.account.email).toBe(guest.email)
  })

  it('J22 M18 deletes the account, after a fresh sign-in and a tick', async () => {
    const page = await connectAs(options)
    await stage.stack.query(
      `update mcp_data.sessions set auth_time = auth_time - interval '16 minutes'
       where account_id = (select account_id from mcp_data.accounts where email = $1)`,
      [guest.email],
    )
    await visitPath(stage, page, '/account/data')
    await page.getByRole('link', { name: 'Delete my account…' }).click()
    await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
    expect(await page.locator('#email').inputValue()).toBe(guest.email)
    await signIn(guest)
    await page.getByRole('button', { name: 'Delete my account' }).click()
    // The browser itself asks for the tick.
    expect(new URL(page.url()).pathname).toBe('/account/delete')
    await page.getByLabel('I want to delete my account and all of this.').check()
    await page.getByRole('button', { name: 'Delete my account' }).click()
    await page.getByRole('heading', { name: 'Your account is deleted' }).waitFor()
    expect(await stage.stack.query('select from mcp_data.accounts where email = $1', [guest.email])).toEqual([])
    const notice = await guest.mail.nextNotice(/was deleted on/)
    expect(notice.text).toContain('Chrome on Linux')
  })
})

describe('by other means', () => {
  it('a connection can be found, narrowed and ended by keyboard alone', async () => {
    const page = await connectAs({})
    const tabTo = async (selector: string) => {
      for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press('Tab')
        if (await page.locator(selector).evaluateAll((found) => found.includes(document.activeElement as never))) return
      }
      throw new Error(`Tab never reaches ${selector}`)
    }
    await visitPath(stage, page, '/account')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('skip')
    await page.keyboard.press('Enter')
    await tabTo('.item-actions a')
    await page.keyboard.press('Enter')
    await page.locator('input[value="files:write"]').waitFor()
    await tabTo('input[value="files:write"]')
    await page.keyboard.press('Space')
    await tabTo('form:has(fieldset) button')
    await page.keyboard.press('Enter')
    await page.getByRole('status').waitFor()
    await tabTo('button[value="one"]')
    await page.keyboard.press('Enter')
    await page.locator('.empty').waitFor()
    expect((await live()).count).toBe(0)
  })

  it('the pages speak German to a browser that wants it', async () => {
    const page = await connectAs({ locale: 'de-AT' })
    await visitPath(stage, page, '/account')
    expect(await page.locator('html').getAttribute('lang')).toBe('de')
    await page.getByRole('button', { name: 'Claude Code von Team files trennen' }).click()
    await page.getByText('Getrennt.').waitFor()
    expect((await guest.mail.nextNotice(/darf jetzt für Sie/)).subject).toContain('Programm')
  })

  it('B2 a second click lands on nothing: the button is gone with its connection', async () => {
    const page = await connectAs({})
    await connectAgain()
    await visitPath(stage, page, '/account')
    await page.locator('button[value="one"]').first().dblclick()
    await page.getByRole('status').waitFor()
    expect((await live()).count).toBe(1)
  })
})
