import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { violations } from './axe.ts'
import { openStage, type Stage } from './stage.ts'
import { settle, tour } from './tour.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

/** WCAG 2.2, 1.4.10: nothing to scroll sideways for. */
const isTooWide = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)

const looks = [
  { width: 360, colorScheme: 'light' },
  { width: 360, colorScheme: 'dark' },
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
] as const

async function problemsOf(page: Page, seen: readonly (typeof looks)[number][]): Promise<string[]> {
  const problems: string[] = []
  for (const { width, colorScheme } of seen) {
    await page.setViewportSize({ width, height: 800 })
    await page.emulateMedia({ colorScheme })
    const found = await violations(page)
    if (await isTooWide(page)) found.push('wider than the window')
    problems.push(...found.map((one) => `${width} px, ${colorScheme}: ${one}`))
  }
  return problems
}

async function squeezed(page: Page): Promise<string[]> {
  await page.setViewportSize({ width: 320, height: 640 })
  const atNarrow = (await isTooWide(page)) ? ['wider than 320 px'] : []
  await page.setViewportSize({ width: 640, height: 640 })
  await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'))
  return (await isTooWide(page)) ? [...atNarrow, 'too wide with text twice as large'] : atNarrow
}

describe('every page', () => {
  // Other words change what fits and what is named, and no colour.
  it.each([
    { locale: 'en-US', sizes: 'at 360 and 1280 px, light and dark', seen: looks },
    { locale: 'de-DE', sizes: 'at 360 px', seen: [looks[0]] },
  ])(
    'has nothing that axe finds $sizes, and fits 320 px and text of twice the size, in $locale (WCAG 2.2)',
    async ({ locale, seen }) => {
      const found: Record<string, string[]> = {}
      for await (const { name, page } of tour(stage, { reducedMotion: 'reduce', locale })) {
        await settle(page)
        const problems = [...(await problemsOf(page, seen)), ...(await squeezed(page))]
        if (problems.length > 0) found[name] = problems
      }
      expect(found).toEqual({})
    },
  )
})
