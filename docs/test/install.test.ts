import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listPages, readPage, root } from './blocks.ts'

const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** Where each package lies in a checkout, and the name that a registry knows it by. */
const packages = [
  { installer: 'npm', folder: 'sdk/typescript', name: JSON.parse(read('sdk/typescript/package.json')).name },
  { installer: 'pip', folder: 'sdk/python', name: /^name = "(.+)"$/m.exec(read('sdk/python/pyproject.toml'))?.[1] },
]

/** Everything that a page tells somebody to install, by whom: `pip install "<checkout>/sdk/python[fastapi]"`. */
const installs = listPages().flatMap((page) =>
  [...readPage(page).matchAll(/\b(npm|pnpm|pip|uv) (?:install|add|i) (?!-)["']?([^\s`"']+)/g)].map(
    ([, installer = '', what = '']) => ({ page, installer, what: what.replace(/\[[\w,]+\]$/, '') }),
  ),
)

test('O4 whatever a page tells somebody to install is one of our packages, under its own name or from the checkout', () => {
  expect(installs.length).toBeGreaterThan(3)
  const ours = ({ installer, what }: (typeof installs)[number]) =>
    packages.some((one) => one.installer === installer && [one.name, `<checkout>/${one.folder}`].includes(what))
  expect(installs.filter((one) => !ours(one))).toEqual([])
})

test('O4 both names are those that the pages import', () => {
  const imported = listPages().map(readPage).join('\n')
  const [typescript, python] = packages
  expect(imported).toContain(`from '${typescript?.name}'`)
  expect(imported).toContain(`from ${python?.name?.replaceAll('-', '_')} import`)
})
