import { join } from 'node:path'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

export type RunningWorker = {
  /** What the Worker logged, newest last. */
  log: () => readonly string[]
  close: () => Promise<void>
}

const linesKept = 1000

const entry = join(import.meta.dirname, '../../src/index.ts')

/** Bundles the Worker and runs it in workerd on a loopback port, with the bindings of wrangler.jsonc. */
export async function runWorker(port: number, variables: Readonly<Record<string, string>>): Promise<RunningWorker> {
  const lines: string[] = []
  const keep = ({ message }: { message: string }): void => {
    lines.push(message)
    if (lines.length > linesKept) lines.shift()
  }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port,
      cf: false,
      handleStructuredLogs: keep,
      modules: [{ type: 'ESModule', path: 'index.js', contents: await bundle() }],
      compatibilityDate: '2026-10-20',
      compatibilityFlags: ['global_fetch_strictly_public'],
      bindings: { ...variables },
    }),
  )
  await miniflare.ready
  return { log: () => lines, close: () => miniflare.dispose() }
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
