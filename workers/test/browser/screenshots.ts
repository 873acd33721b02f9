import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { openStage } from './stage.ts'
import { settle, tour } from './tour.ts'

// Makes the pictures of docs/screenshots: node workers/test/browser/screenshots.ts
// Into another folder, and of every page: node workers/test/browser/screenshots.ts --all FOLDER

const isAll = process.argv.includes('--all')
const folder = isAll ? (process.argv.at(-1) ?? '') : join(import.meta.dirname, '../../../docs/screenshots')
/** Those that the docs show; the others are looked at by the tests alone. */
const shown = [
  'home',
  'sign-in',
  'code',
  'consent',
  'consent-unverified',
  'consent-step-up',
  'dead-end',
  'sign-in-account',
  'sign-in-passkey',
  'sign-in-passkey-required',
  'sign-in-passkey-own',
  'sign-in-confirm',
  'sign-out',
  'account',
  'account-empty',
  'account-connection',
  'account-sessions',
  'account-passkeys',
  'account-passkeys-lost',
  'account-passkey-add',
  'account-activity',
  'account-data',
  'account-delete',
  'dashboard',
  'dashboard-server',
  'dashboard-keys',
  'dashboard-clients',
  'dashboard-usage',
  'dashboard-timeline',
  'dashboard-events',
  'dashboard-webhooks',
  'dashboard-tokens',
  'docs',
  'account-deleted',
]
/** The other language, to see that long words fit. */
const shownInGerman = ['consent', 'account', 'dashboard']

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
const stage = await openStage()
/** What differs from run to run, and what the docs call it: pictures change only when a page does. */
const names: readonly [string, string][] = [
  [new URL(stage.stack.issuer).host, 'localhost:9400'],
  [new URL(stage.program.redirectUri).host, 'localhost:51004'],
  ['ada-[0-9a-f]{6}@example\\.org', 'ada@example.org'],
  ['req_[0-9A-Za-z]{16}', 'req_4fTq0Zc8RkW2mVbX'],
  ['http://localhost:9401/[0-9a-f]{8}-[0-9a-f-]{27}/mcp', 'https://files.example.com/mcp'],
  ['srv_[0-9A-Za-z]{22}', 'srv_4fTq0Zc8RkW2mVbX7YpLsA'],
  ['(key|tok|whk)_[0-9A-Za-z]{12}', '$1_4fTq0Zc8RkW2'],
  ['[A-Z][a-z]{2} \\d{1,2}, 20\\d\\d, \\d{1,2}:\\d\\d\\s[AP]M UTC', 'Nov 30, 2026, 9:41 AM UTC'],
  ['(sk|pat)_[0-9A-Za-z]{61}', '$1_…'],
]

function rename(replacements: readonly [string, string][]): void {
  for (const input of document.querySelectorAll('input')) {
    for (const [from, to] of replacements) input.value = input.value.replaceAll(new RegExp(from, 'g'), to)
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    for (const [from, to] of replacements) {
      const { currentNode } = texts
      currentNode.nodeValue = currentNode.nodeValue?.replaceAll(new RegExp(from, 'g'), to) ?? ''
    }
  }
}

async function take(page: Page, name: string): Promise<void> {
  await settle(page)
  await page.evaluate(rename, names)
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: width === 360 ? 740 : 860 })
      await page.emulateMedia({ colorScheme })
      await page.evaluate(() => window.scrollTo(0, 0))
      await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`) })
    }
  }
}

for await (const { name, page } of tour(stage, { reducedMotion: 'reduce' })) {
  if (isAll || shown.includes(name)) await take(page, name)
}
for await (const { name, page } of tour(stage, { reducedMotion: 'reduce', locale: 'de-DE' })) {
  if (isAll || shownInGerman.includes(name)) await take(page, `${name}-in-german`)
}
await stage.close()
