import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Packed, packSdk, runIn, source } from './packed.ts'

const esbuild = join(source, '../../workers/node_modules/.bin/esbuild')

let folder: string
let packed: Packed

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sdk-package-'))
  packed = packSdk(folder)
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

describe('the published package', () => {
  it('O6 holds the compiled modules and nothing else', () => {
    const paths = packed.files.map((file) => file.path)
    const sources = readdirSync(join(source, 'src')).map((name) => name.replace(/\.ts$/, ''))
    const modules = sources.flatMap((name) => [`dist/${name}.js`, `dist/${name}.d.ts`])
    expect(paths.sort()).toEqual(['LICENSE', 'README.md', 'package.json', ...modules].sort())
  })

  it('depends on nothing by itself, and has peers that nobody must install who does not use them', () => {
    const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
    expect(manifest.dependencies).toBeUndefined()
    const peers = ['@modelcontextprotocol/server', 'express', 'hono', 'jose']
    expect(Object.keys(manifest.peerDependencies)).toEqual(peers)
    expect(manifest.peerDependenciesMeta).toEqual(Object.fromEntries(peers.map((peer) => [peer, { optional: true }])))
    expect(Object.keys(manifest.scripts).filter((name) => /install$/.test(name))).toEqual([])
  })

  it.each(['', '/express', '/fetch', '/node'])('%s runs, and can be bundled, with nothing else installed', (path) => {
    // Beside the package there is no framework and no jose, in no folder above it either.
    const installed = join(folder, 'alone/node_modules/auth-agent-mcp-sdk')
    mkdirSync(installed, { recursive: true })
    run('tar', '-xzf', packed.filename, '-C', installed, '--strip-components=1')
    const program = join(folder, 'alone/program.mjs')
    writeFileSync(program, `console.log(Object.keys(await import('auth-agent-mcp-sdk${path}')).join())`)
    expect(run('node', program)).toContain('AuthAgentConfigError')
    const bundle = join(folder, 'alone/bundle.mjs')
    run(esbuild, program, '--bundle', '--format=esm', '--platform=neutral', '--log-level=error', `--outfile=${bundle}`)
    expect(run('node', bundle)).toContain('AuthAgentConfigError')
  })

  it('is right for its users in the eyes of publint', () => {
    expect(run('publint', 'run', join(folder, packed.filename), '--strict')).toContain('All good!')
  }, 60_000)

  it('is right for their compilers in the eyes of Are the Types Wrong', () => {
    expect(run('attw', join(folder, packed.filename), '--profile', 'esm-only', '--format', 'json')).toBeTruthy()
  }, 60_000)
})

function run(command: string, ...args: string[]): string {
  return runIn(folder, command, ...args)
}
