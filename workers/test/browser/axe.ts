import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

type Violation = {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly any: readonly { message: string }[] }[]
}

/** What axe finds, by every rule it has: best practices and WCAG 2.2 included. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  const found: Violation[] = await page.evaluate(
    "axe.run({ resultTypes: ['violations'], preload: false }).then(({ violations }) => violations)",
  )
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html} ${any[0]?.message ?? ''}`))
}
