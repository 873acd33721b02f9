/** `npm run self-host -- build [folder]`: everything that one machine needs, in one folder that can be copied there. */
import { chmod, copyFile, cp, mkdir, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { bundleWorker } from '../scripts/bundle.ts'
import { programs } from './programs.ts'

const root = join(import.meta.dirname, '../..')
const target = process.argv[2] ?? join(root, 'dist/self-hosted')

async function writeWorker(): Promise<void> {
  // In one module: a process that runs for weeks starts once, and its configuration names every module.
  const [worker] = await bundleWorker({ splitting: false })
  if (worker === undefined) throw new Error('The bundler wrote nothing')
  await writeFile(join(target, 'worker.js'), worker.text)
}

async function bundlePrograms(): Promise<void> {
  await build({
    entryPoints: programs.map((file) => ({ in: join(root, file), out: basename(file, '.ts') })),
    outdir: target,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // The database driver is CommonJS and asks for Node's own modules.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    external: ['pg-native'],
    logLevel: 'warning',
  })
}

async function copyWorkerd(): Promise<void> {
  const wrangler = await realpath(join(root, 'workers/node_modules/wrangler/package.json'))
  const workerd: unknown = createRequire(wrangler)('workerd')
  const path = typeof workerd === 'object' && workerd !== null && 'default' in workerd ? String(workerd.default) : ''
  await copyFile(path, join(target, 'workerd'))
  await chmod(join(target, 'workerd'), 0o755)
}

await rm(target, { recursive: true, force: true })
await mkdir(target, { recursive: true })
await Promise.all([writeWorker(), bundlePrograms(), copyWorkerd()])
for (const name of ['worker.capnp', 'tick.js', 'nginx.conf', 'systemd']) {
  await cp(join(import.meta.dirname, name), join(target, name), { recursive: true })
}
for (const name of ['LICENSE', 'THIRD-PARTY-NOTICES.md']) await copyFile(join(root, name), join(target, name))
await cp(join(root, 'supabase/migrations'), join(target, 'migrations'), { recursive: true })
console.log(`Everything is in ${target}; docs/self-hosting.md says what to do with it.`)
