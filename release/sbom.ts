import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pnpm, root } from '../scripts/setup.mjs'
import { prepareTools, run } from './tools.ts'

/** The packages of the workspace that are released, by the folder in which each lies. */
const ofNode = { 'auth-agent-mcp-worker': 'workers', 'auth-agent-mcp-sdk': 'sdk/typescript' } as const

/**
 * Writes what each released package stands on as CycloneDX 1.6 into a folder, and gives the paths: the Worker and the
 * TypeScript SDK by the lock file, the Python SDK by what an empty environment gets with it.
 */
export async function writeBillsOfMaterials(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const files = Object.entries(ofNode).map(([name, place]) => ({ place, file: join(folder, `${name}.cdx.json`) }))
  for (const { place, file } of files) {
    const wanted = [
      '--sbom-format',
      'cyclonedx',
      '--sbom-spec-version',
      '1.6',
      '--prod',
      '--exclude-peers',
      '--out',
      file,
    ]
    await run('npx', '--yes', pnpm, '--filter', `./${place}`, 'sbom', '--lockfile-only', ...wanted)
  }
  return [...files.map(({ file }) => file), await writePythonBill(folder)]
}

async function writePythonBill(folder: string): Promise<string> {
  const tools = await prepareTools()
  const file = join(folder, 'auth-agent-mcp-python.cdx.json')
  const scratch = await mkdtemp(join(tmpdir(), 'sbom-'))
  const [environment, wheels] = [join(scratch, 'environment'), join(scratch, 'wheels')]
  try {
    const sdk = join(root, 'sdk/python')
    const locked = ['--build-constraints', join(sdk, 'requirements-dev.txt'), '--require-hashes']
    await run(join(tools, 'uv'), 'build', '--quiet', '--wheel', ...locked, '--out-dir', wheels, sdk)
    // Without pip in it: only what the package brings is listed.
    await run(join(tools, 'python'), '-m', 'venv', '--without-pip', environment)
    const python = join(environment, 'bin/python')
    const [wheel = ''] = (await readdir(wheels)).filter((name) => name.endsWith('.whl'))
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--only-binary', ':all:']
    await run(join(tools, 'python'), '-m', 'pip', '--python', python, 'install', ...quiet, join(wheels, wheel))
    const options = ['--pyproject', join(sdk, 'pyproject.toml'), '--mc-type', 'library', '--spec-version', '1.6']
    await run(join(tools, 'cyclonedx-py'), 'environment', ...options, '--output-reproducible', '-o', file, python)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return file
}
