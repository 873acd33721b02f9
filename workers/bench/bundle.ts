import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleWorker, gzippedBytes, type WorkerModule, writeModules } from '../scripts/bundle.ts'

export type Bundle = { folder: string; modules: readonly WorkerModule[]; atStartGzipBytes: number; gzipBytes: number }

/** Bundles a Worker as it is deployed. */
export async function makeBundle(entry: string): Promise<Bundle> {
  const folder = join(mkdtempSync(join(tmpdir(), 'auth-agent-bench-')), 'worker')
  const modules = await bundleWorker({ entry: join(import.meta.dirname, '..', entry), minify: true })
  await writeModules(folder, modules)
  const atStartGzipBytes = gzippedBytes(modules.filter(({ isAtStart }) => isAtStart))
  return { folder, modules, atStartGzipBytes, gzipBytes: gzippedBytes(modules) }
}
