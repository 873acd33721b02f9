import { join } from 'node:path'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

export type RunningWorker = { close: () => Promise<void> }

const entry = join(import.meta.dirname, '../../src/index.ts')

/** Bundles the Worker and runs it in workerd on a loopback port, with the bindings of wrangler.jsonc. */
export async function runWorker(port: number, variables: Readonly<Record<string, string>>): Promise<RunningWorker> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port,
      cf: false,
      modules: [{ type: 'ESModule', path: 'index.js', contents: await bundle() }],
      compatibilityDate: '2026-10-20',
      bindings: { ...variables },
    }),
  )
  await miniflare.ready
  return { close: () => miniflare.dispose() }
}

async function bundle(): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    jsx: 'automatic',
    jsxImportSource: 'hono/jsx',
    logLevel: 'silent',
  })
  const [file] = result.outputFiles
  if (file === undefined) throw new Error('The bundler wrote nothing')
  return file.text
}
