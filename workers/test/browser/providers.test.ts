import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openMail } from '../support/mailbox.ts'
import { addressOf, startGithub, startOidcProvider, type Upstream, upstreamClient } from '../support/upstream.ts'
import { violations } from './axe.ts'
import {
  approve,
  authorizeUrl,
  type Guest,
  openStage,
  redeem,
  registerServer,
  type Stage,
  scripting,
  visitPath,
  welcome,
} from './stage.ts'

let stage: Stage
let resource: string
let guest: Guest
let upstreams: Upstream[] = []
beforeAll(async () => {
  const [oidcPort, githubPort] = [await freePort(), await freePort()]
  const [oidc, github] = [`http://localhost:${oidcPort}`, `http://localhost:${githubPort}`]
  const rows = [
    { id: 'acme', name: 'Acme', issuer: oidc, ...upstreamClient },
    { kind: 'github', id: 'github', name: 'GitHub', issuer: github, api_url: github, ...upstreamClient },
  ]
  stage = await openStage({ variables: { IDENTITY_PROVIDERS: JSON.stringify(rows), DOCUMENTS_ALLOW_LOOPBACK: 'on' } })
  const back = (id: string) => `${stage.stack.issuer}/sign-in/callback/${id}`
  upstreams = [await startOidcProvider(oidcPort, back('acme')), await startGithub(githubPort, back('github'))]
  resource = await registerServer(stage)
})
afterAll(async () => {
  for (const upstream of upstreams) await upstream.close()
  await stage.close()
})
afterEach(() => guest.context.close())

/** How a person answers there. */
const ways: Readonly<Record<string, (page: Page, login: string) => Promise<void>>> = {
  Acme: async (page, login) => {
    await page.locator('input[name="login"]').fill(login)
    await page.locator('input[name="password"]').fill('any')
    await page.locator('button[type="submit"]').click()
    await page.getByRole('button', { name: 'Continue' }).click()
  },
  GitHub: async (page, login) => {
    await page.locator('#login').fill(login)
    await page.getByRole('button', { name: 'Authorize' }).click()
  },
}

describe.each(Object.entries(ways))('%s, really asked', (provider, answer) => {
  it.each(scripting)(
    'vouches for a person during an authorization, once linked by a code; scripting %s',
    async (_name, options) => {
      guest = await welcome(stage, options)
      const { page, context } = guest
      const login = `ada-${crypto.randomUUID().slice(0, 8)}`
      const mail = openMail(stage.stack.mailbox.url, addressOf(login))
      const goThere = async () => {
        await page.goto(authorizeUrl(stage, resource))
        await page.getByRole('link', { name: `Go on with ${provider}` }).click()
        await answer(page, login)
      }
      await goThere()
      await page.getByText(`${provider} says that`).waitFor()
      await page.locator('#code').fill(await mail.nextCode())
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('heading', { name: /^Allow Claude Code/ }).waitFor()
      await context.clearCookies()
      await goThere()
      await page.getByRole('heading', { name: /^Allow Claude Code/ }).waitFor()
      expect(await page.getByText(addressOf(login)).count()).toBeGreaterThan(0)
      await approve(page)
      await redeem(stage, page)
      const text = `select s.auth_method from mcp_data.sessions s join mcp_data.accounts a using (account_id)
      where a.email = $1 order by s.created_at`
      expect(await stage.stack.query(text, [addressOf(login)])).toEqual([
        { auth_method: 'email_code' },
        { auth_method: 'provider' },
      ])
      await visitPath(stage, page, '/account/passkeys')
      await page.getByRole('button', { name: `Unlink ${provider}` }).waitFor()
    },
  )
})

it.each(['en-US', 'de-DE'])('their buttons have nothing that axe finds, in %s (WCAG 2.2)', async (locale) => {
  guest = await welcome(stage, { locale, reducedMotion: 'reduce' })
  const { page } = guest
  await page.goto(authorizeUrl(stage, resource))
  await page.getByRole('link', { name: /GitHub/ }).waitFor()
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    expect(await violations(page)).toEqual([])
  }
})

it('a person who changes their mind there comes back to the sign-in page', async () => {
  guest = await welcome(stage)
  const { page } = guest
  await page.goto(authorizeUrl(stage, resource))
  await page.getByRole('link', { name: 'Go on with Acme' }).click()
  await page.getByRole('link', { name: 'Cancel' }).click()
  await page.getByText('Acme did not let you in.').waitFor()
})
