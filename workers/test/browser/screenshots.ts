import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openStage } from './stage.ts'
import { settle, tour } from './tour.ts'

// Makes the pictures of docs/screenshots: node workers/test/browser/screenshots.ts

const folder = join(import.meta.dirname, '../../../docs/screenshots')
/** Those that the docs show; the others are looked at by the tests alone. */
const shown = ['home', 'sign-in', 'code', 'consent', 'consent-unverified', 'consent-step-up', 'dead-end']

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
const stage = await openStage()
/** What differs from run to run, and what the docs call it: pictures change only when a page does. */
const names: readonly [string, string][] = [
  [new URL(stage.stack.issuer).host, 'localhost:9400'],
  [new URL(stage.program.redirectUri).host, 'localhost:51004'],
  ['ada-[0-9a-f]{6}@example\\.org', 'ada@example.org'],
  ['req_[0-9A-Za-z]{16}', 'req_4fTq0Zc8RkW2mVbX'],
]

function rename(replacements: readonly [string, string][]): void {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    for (const [from, to] of replacements) {
      const { currentNode } = texts
      currentNode.nodeValue = currentNode.nodeValue?.replaceAll(new RegExp(from, 'g'), to) ?? ''
    }
  }
}

for await (const { name, page } of tour(stage, { reducedMotion: 'reduce' })) {
  if (!shown.includes(name) && !process.argv.includes('--all')) continue
  await settle(page)
  await page.evaluate(rename, names)
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: width === 360 ? 740 : 860 })
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`) })
    }
  }
}
await stage.close()
