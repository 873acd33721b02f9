import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { generatedNotice } from './markdown.ts'

const folder = join(import.meta.dirname, '../screenshots')

/** One picture, named `<page>-<width>-<scheme>.png` by the test that makes it. */
type Screenshot = { file: string; page: string; width: number; scheme: string }

function readName(file: string): Screenshot[] {
  const [, page, width, scheme] = /^(.+)-(\d+)-(light|dark)\.png$/.exec(file) ?? []
  if (page === undefined || width === undefined || scheme === undefined) return []
  return [{ file, page, width: Number(width), scheme }]
}

function listScreenshots(): Screenshot[] {
  return existsSync(folder) ? readdirSync(folder).sort().flatMap(readName) : []
}

function picture({ file, page, width, scheme }: Screenshot): string {
  // Side by side at half their size, where the window allows.
  return `<img src="screenshots/${file}" width="${width > 600 ? 640 : 180}" alt="${title(page)}, ${width} pixels wide, ${scheme}">`
}

function title(page: string): string {
  const words = page.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function pagesPage(): string {
  const screenshots = listScreenshots()
  const pages = [...new Set(screenshots.map(({ page }) => page))]
  const sections = pages.map((page) => {
    const own = screenshots.filter((screenshot) => screenshot.page === page).sort((a, b) => b.width - a.width)
    return `## ${title(page)}\n\n${own.map(picture).join('\n')}\n`
  })
  return `# Pages

${generatedNotice('docs/screenshots/')}

What a person sees, at 360 and 1280 pixels, light and dark. All pages are rendered on the server and work without JavaScript; only a
passkey needs it.

${sections.join('\n')}`
}
