import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStage, type Stage } from './stage.ts'
import { settle, tour } from './tour.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())

type Violation = {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly any: readonly { message: string }[] }[]
}

/** Every rule axe has, best practices and WCAG 2.2 included. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  const found: Violation[] = await page.evaluate(
    "axe.run({ resultTypes: ['violations'], preload: false }).then(({ violations }) => violations)",
  )
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html} ${any[0]?.message ?? ''}`))
}

/** WCAG 2.2, 1.4.10: nothing to scroll sideways for. */
const isTooWide = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)

const looks = [
  { width: 360, colorScheme: 'light' },
  { width: 360, colorScheme: 'dark' },
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
] as const

async function problemsOf(page: Page): Promise<string[]> {
  const problems: string[] = []
  for (const { width, colorScheme } of looks) {
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
  it('has nothing that axe finds, at 360 and 1280 px, light and dark, and fits 320 px and 200 % (WCAG 2.2)', async () => {
    const found: Record<string, string[]> = {}
    for await (const { name, page } of tour(stage, { reducedMotion: 'reduce' })) {
      await settle(page)
      const problems = [...(await problemsOf(page)), ...(await squeezed(page))]
      if (problems.length > 0) found[name] = problems
    }
    expect(found).toEqual({})
  })
})
