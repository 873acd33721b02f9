/**
 * `node scripts/bundle.ts`: the Worker as modules in `dist/`, as it is deployed. What answers clients is there at start-up;
 * what only people open is loaded later, so that an isolate starts quickly. wrangler would make one module of all of it.
 */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Metafile } from 'esbuild'

export type WorkerModule = {
  readonly name: string
  readonly text: string
  /** Loaded before the first request, and not only when something asks for it. */
  readonly isAtStart: boolean
}

export type Bundling = { readonly entry?: string; readonly minify?: boolean; readonly splitting?: boolean }

/** A third of all is the library for passkeys, which is loaded when the first one answers. */
const limits = { atStart: 120_000, inAll: 340_000 }

const main = join(import.meta.dirname, '../src/index.ts')

/** The modules of the Worker, the main one first. */
export async function bundleWorker({
  entry = main,
  minify = false,
  splitting = true,
}: Bundling = {}): Promise<readonly WorkerModule[]> {
  const { outputFiles, metafile } = await build({
    entryPoints: { index: entry },
    outdir: '.',
    outExtension: { '.js': '.mjs' },
    absWorkingDir: import.meta.dirname,
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting,
    minify,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    jsx: 'automatic',
    jsxImportSource: 'hono/jsx',
    logLevel: 'silent',
  })
  const atStart = reachedAtStart(metafile)
  const modules = outputFiles.map(({ path, text }) => {
    const name = basename(path)
    return { name, text, isAtStart: atStart.has(name) }
  })
  return modules.toSorted((one, other) => Number(other.name === 'index.mjs') - Number(one.name === 'index.mjs'))
}

function reachedAtStart({ outputs }: Metafile): ReadonlySet<string> {
  const reached = new Set(['index.mjs'])
  for (const name of reached) {
    const imports = outputs[name]?.imports ?? []
    for (const { path, kind } of imports) if (kind === 'import-statement') reached.add(basename(path))
  }
  return reached
}

/**
 * Writes the modules into a folder, in place of what was there. Whoever reads them meanwhile, or writes the same ones, finds
 * each file whole: the folder is never emptied, and a file comes by being renamed.
 */
export async function writeModules(folder: string, modules: readonly WorkerModule[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  const scratch = await mkdtemp(`${folder}.new-`)
  try {
    // The main one comes last, when what it imports is there.
    for (const { name, text } of modules.toReversed()) {
      await writeFile(join(scratch, name), text)
      await rename(join(scratch, name), join(folder, name))
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  const names = new Set(modules.map(({ name }) => name))
  const old = (await readdir(folder)).filter((name) => !names.has(name))
  await Promise.all(old.map((name) => rm(join(folder, name), { recursive: true, force: true })))
}

/** Bytes that travel, gzipped, as limits on a Worker's size are counted. */
export function gzippedBytes(modules: readonly WorkerModule[]): number {
  return modules.reduce((sum, { text }) => sum + gzipSync(text, { level: 9 }).length, 0)
}

if (import.meta.main) {
  const modules = await bundleWorker({ minify: true })
  await writeModules(join(import.meta.dirname, '../dist'), modules)
  const atStart = gzippedBytes(modules.filter((module) => module.isAtStart))
  const inAll = gzippedBytes(modules)
  console.log(`The Worker has ${atStart} bytes gzipped at start-up, and ${inAll} in all.`)
  if (atStart >= limits.atStart || inAll >= limits.inAll) {
    console.error(`The limits are ${limits.atStart} and ${limits.inAll}: load what is not needed at once by import().`)
    process.exitCode = 1
  }
}
