/** Writes THIRD-PARTY-NOTICES.md: the licences of what is inside the Worker and the self-hosted programs; --check compares. */
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { writeOrCheck } from 'auth-agent-mcp-local/scripts/generated-file.ts'
import { type BuildOptions, build } from 'esbuild'
import { programs } from '../self-hosted/programs.ts'

const root = join(import.meta.dirname, '../..')

/** None of these asks for more than its text to go along. */
const accepted = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD']

type Package = { readonly name: string; readonly version: string; readonly license: string; readonly folder: string }

/** The folders of the packages whose modules a bundle holds. */
async function packagesIn(options: BuildOptions): Promise<string[]> {
  const common = {
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    logLevel: 'silent',
    absWorkingDir: root,
  } as const
  const { metafile } = await build({ ...common, outdir: 'unwritten', ...options })
  const inputs = Object.keys(metafile?.inputs ?? {}).map((path) => resolve(root, path))
  return inputs.flatMap((path) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path) ?? [])
}

async function readManifest(folder: string): Promise<Package> {
  const { name, version, license }: Omit<Package, 'folder'> = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  )
  if (!accepted.includes(license)) throw new Error(`${name} has the licence ${license}: somebody has to read it.`)
  return { name, version, license, folder }
}

/** The text of the licence; some packages have it at the end of their README instead of in a file. */
async function readLicence({ name, folder }: Package): Promise<string> {
  const files = await readdir(folder)
  const file = files.find((one) => /^licen[cs]e/i.test(one))
  if (file !== undefined) return (await readFile(join(folder, file), 'utf8')).replaceAll('\r', '').trim()
  const readme = await readFile(join(folder, files.find((one) => /^readme/i.test(one)) ?? 'README.md'), 'utf8')
  const text = /^#+ licen[cs]e\s+([\s\S]*)$/im.exec(readme)?.[1]
  if (text === undefined) throw new Error(`${name} comes without the text of its licence.`)
  return text.replaceAll('\r', '').trim()
}

const worker = await packagesIn({
  entryPoints: [join(root, 'workers/src/index.ts')],
  conditions: ['workerd', 'worker', 'browser'],
  external: ['cloudflare:*', 'node:*'],
  jsx: 'automatic',
  jsxImportSource: 'hono/jsx',
})
const selfHosted = await packagesIn({
  entryPoints: programs.map((file) => join(root, file)),
  platform: 'node',
  external: ['pg-native'],
})
const packages = await Promise.all([...new Set([...worker, ...selfHosted])].map(readManifest))
const sorted = packages.toSorted((one, other) => one.name.localeCompare(other.name, 'en'))
const texts = await Promise.all(
  sorted.map(async (one) => {
    const where = worker.includes(one.folder) ? 'in the Worker' : 'in the self-hosted programs'
    return `## ${one.name} ${one.version}\n\n${one.license}, ${where}.\n\n${quote(await readLicence(one))}`
  }),
)

function quote(text: string): string {
  return text.replaceAll(/^/gm, '> ').replaceAll(/ +$/gm, '')
}

// Not bundled, but copied beside the self-hosted Worker as it is.
const wrangler = createRequire(import.meta.url).resolve('wrangler/package.json')
const workerd = dirname(createRequire(wrangler).resolve('workerd/package.json'))
const { name, version, license } = await readManifest(workerd)

await writeOrCheck(
  join(root, 'THIRD-PARTY-NOTICES.md'),
  `# Third-party notices

This page is made by \`node workers/scripts/build-notices.ts\` from what the bundles hold. The SDKs hold nothing of others.
A self-hosted copy also has the executable of ${name} ${version} beside it, under ${license}, from
https://github.com/cloudflare/workerd.

${texts.join('\n\n')}
`,
  'node workers/scripts/build-notices.ts',
)
