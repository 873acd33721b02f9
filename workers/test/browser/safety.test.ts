import { once } from 'node:events'
import { createServer } from 'node:http'
import type { CDPSession, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  approve,
  authorizeUrl,
  type Guest,
  openStage,
  registerServer,
  type SignedIn,
  type Stage,
  shownTransaction,
  signedInState,
  welcome,
} from './stage.ts'

let stage: Stage
let resource: string
let guest: Guest
let storageState: SignedIn
beforeAll(async () => {
  stage = await openStage()
  resource = await registerServer(stage)
  storageState = await signedInState(stage, resource)
})
afterAll(() => stage.close())
afterEach(() => guest.context.close())

const onConsent = (page: Page) => page.url().startsWith(stage.stack.issuer)

/** The consent page for somebody who is signed in already. */
async function consentPage(): Promise<Page> {
  guest = await welcome(stage, { storageState })
  await guest.page.goto(authorizeUrl(stage, resource))
  return guest.page
}

/** Holds the time of animations and transitions still, so that no test has to be quicker than the page. */
async function freezeTime(page: Page): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page)
  await session.send('Animation.enable')
  await session.send('Animation.setPlaybackRate', { playbackRate: 0 })
  return session
}

async function middleOf(page: Page, selector: string): Promise<{ x: number; y: number }> {
  const box = await page.locator(selector).boundingBox()
  if (box === null) throw new Error(`${selector} is nowhere`)
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
}

describe('frames', () => {
  it('B1 stays blank in a frame of another site (RFC 9700 §4.16)', async () => {
    guest = await welcome(stage)
    const url = authorizeUrl(stage, resource)
    const site = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(`<iframe src="${url.replaceAll('&', '&amp;')}"></iframe>`)
    }).listen(0, '127.0.0.1')
    await once(site, 'listening')
    const address = site.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await guest.page.goto(`http://127.0.0.1:${port}/`)
    await expect.poll(() => guest.page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/')
    site.closeAllConnections()
    site.close()
  })
})

describe('the Approve button', () => {
  it.each(['no-preference', 'reduce'] as const)(
    'B2 takes neither click nor key at first, with prefers-reduced-motion: %s',
    async (reducedMotion) => {
      guest = await welcome(stage, { storageState, reducedMotion })
      const { page } = guest
      const session = await freezeTime(page)
      await page.goto(authorizeUrl(stage, resource))
      expect(await page.locator('.approve').isVisible()).toBe(false)
      const { x, y } = await middleOf(page, '.approve-slot')
      await page.mouse.click(x, y)
      await page.locator('button[value="deny"]').focus()
      await page.keyboard.press('Tab')
      expect(await page.locator('.approve').evaluate((button) => button === document.activeElement)).toBe(false)
      expect(onConsent(page)).toBe(true)
      await session.send('Animation.setPlaybackRate', { playbackRate: 1 })
      await page.locator('.approve').waitFor({ state: 'visible' })
    },
  )

  it('B2 takes no click of a pointer that has only just come to the page (double-click jacking)', async () => {
    const page = await consentPage()
    await page.mouse.move(0, 0)
    await page.locator('.approve').waitFor({ state: 'visible' })
    const session = await freezeTime(page)
    const { x, y } = await middleOf(page, '.approve')
    await page.mouse.click(x, y)
    expect(onConsent(page)).toBe(true)
    await session.send('Animation.setPlaybackRate', { playbackRate: 1 })
    await approve(page)
    await page.waitForURL((url) => url.href.startsWith(stage.program.redirectUri))
  })

  it('B24 stays in sight with its hosts, however long names and lists are', async () => {
    guest = await welcome(stage, { storageState, viewport: { width: 360, height: 640 } })
    const scopes = Array.from({ length: 32 }, (_, index) => ({ name: `scope:${index}`, description: 'd'.repeat(120) }))
    const long = await registerServer(stage, { server_name: 'N'.repeat(64), scopes })
    await guest.page.goto(authorizeUrl(stage, long))
    for (const shown of ['button[value="deny"]', '.approve-slot', '.parties .host >> nth=1']) {
      const box = await guest.page.locator(shown).boundingBox()
      expect(box && box.y >= 0 && box.y + box.height <= 640, shown).toBe(true)
    }
  })

  it('B22 shows a host to its last label at 320 px, whatever stands before it, and lets what was registered stand out', async () => {
    guest = await welcome(stage, { storageState, viewport: { width: 320, height: 640 } })
    await guest.page.goto(authorizeUrl(stage, resource))
    const host = `claude.ai.${'a-very-long-label.'.repeat(8)}evil.dev`
    const transaction = await redirectTo(guest.page, `https://${host}/cb`)
    await guest.page.goto(`${stage.stack.issuer}/consent?transaction=${transaction}`)
    const label = await guest.page.getByText(host, { exact: true }).evaluate((element) => {
      const text = element.lastChild
      if (!(text instanceof Text)) throw new Error('the host does not end in text')
      const range = document.createRange()
      range.selectNodeContents(text)
      const weights = [element, element.firstElementChild].map(
        (part) => part && Number(getComputedStyle(part).fontWeight),
      )
      const { left, right, width, top } = range.getBoundingClientRect()
      const shown = document.elementFromPoint(right - 2, top + 2)
      return { left, right, width, isOnTop: shown === element, domain: text.data, weights }
    })
    expect(label.left).toBeGreaterThanOrEqual(0)
    expect(label.right).toBeLessThanOrEqual(320)
    expect(label.width).toBeGreaterThan(30)
    expect(label.isOnTop).toBe(true)
    expect([label.domain, label.weights]).toEqual(['evil.dev', [650, 400]])
  })
})

describe('form-action', () => {
  it('B26 lets the code arrive where the redirect points', async () => {
    const page = await consentPage()
    await approve(page)
    await page.waitForURL((url) => url.searchParams.has('code'))
  })

  it("B26 would not with 'self' alone (measured, and why the header is wider)", async () => {
    guest = await welcome(stage, { storageState })
    await guest.page.route('**/authorize*', async (route) => {
      const answer = await route.fetch()
      const policy = answer.headers()['content-security-policy'] ?? ''
      const narrow = policy.replace(/form-action [^;]*/, "form-action 'self'")
      await route.fulfill({ response: answer, headers: { ...answer.headers(), 'content-security-policy': narrow } })
    })
    await guest.page.goto(authorizeUrl(stage, resource))
    const refusal = guest.page.waitForEvent('console', (message) => message.text().includes('form-action'))
    await approve(guest.page)
    await refusal
    expect(onConsent(guest.page)).toBe(true)
  })

  it.each([
    ['http://[::1]:51004/callback', 'http://[::1]:51004/'],
    ['https://app.example.net/cb', 'https://app.example.net/'],
  ])('B26 is not in the way of %s', async (redirectUri, origin) => {
    const page = await consentPage()
    const transaction = await redirectTo(page, redirectUri)
    await page.goto(`${stage.stack.issuer}/consent?transaction=${transaction}`)
    const left = page.waitForEvent('requestfailed', (request) => request.url().startsWith(origin))
    await approve(page)
    // Nobody listens there; what counts is that the browser tried.
    expect((await left).failure()?.errorText).not.toContain('BLOCKED')
  })
})

describe('hostile text', () => {
  it('B16 runs nothing and breaks no policy', async () => {
    guest = await welcome(stage, { storageState })
    const complaints: string[] = []
    guest.page.on('dialog', (dialog) => complaints.push(dialog.message()))
    guest.page.on('console', (message) => complaints.push(message.text()))
    const hostile = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
    const there = await registerServer(stage, {
      server_name: hostile.slice(0, 64),
      description: hostile,
      scopes: [{ name: 'a', description: hostile }],
    })
    await guest.page.goto(authorizeUrl(stage, there, { login_hint: hostile }))
    expect(await guest.page.locator('main').textContent()).toContain('<img src=x onerror=alert(1)>')
    expect(await guest.page.locator('img, script').count()).toBe(0)
    expect(complaints).toEqual([])
  })
})

/** Gives the shown transaction another redirect URI, as a client registered with it would have. */
async function redirectTo(page: Page, redirectUri: string): Promise<string> {
  const client = JSON.stringify({ kind: 'dynamic', client_id: 'dcr_test', redirect_uris: [redirectUri] })
  const transaction = await shownTransaction(page)
  await stage.stack.query(
    'update mcp_data.transactions set redirect_uri = $1, client = client || $2::jsonb where transaction_id = $3',
    [redirectUri, client, transaction],
  )
  return transaction
}
