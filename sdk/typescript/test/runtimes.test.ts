import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchNode, type Runtime, runtimes } from './node-runtimes.ts'
import { type Packed, packSdk, runIn, source } from './packed.ts'
import { loadContract } from './run-contract.ts'

const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
const peers: string[] = Object.keys(manifest.peerDependencies)
const catalog = readFileSync(join(source, '../../pnpm-workspace.yaml'), 'utf8')

/** The floors of the metadata, or what the other tests of this package run with. */
function versionOf(peer: string, wanted: Runtime['peers']): string {
  if (wanted === 'lowest') return manifest.peerDependencies[peer].replace('>=', '')
  const pinned: string = manifest.devDependencies[peer]
  return pinned === 'catalog:' ? (new RegExp(`^ {2}${peer}: (.+)$`, 'm').exec(catalog)?.[1] ?? '') : pinned
}

/** The modules behind the program, with its types taken off: an old Node runs no TypeScript. */
const modules = ['contract-program', 'run-contract', 'adapters', 'at-second', 'contract-case', 'contract-token']
const support = ['loopback', 'support']

function writeProgram(project: string): void {
  mkdirSync(join(project, 'test'))
  mkdirSync(join(project, 'src'))
  for (const name of [...modules, ...support]) {
    const javascript = stripTypeScriptTypes(readFileSync(join(source, 'test', `${name}.ts`), 'utf8'))
    writeFileSync(join(project, 'test', `${name}.js`), javascript.replaceAll(/(from '\.[^']+)\.ts'/g, "$1.js'"))
  }
  // Where the tests import a source file, this project has the installed package.
  for (const name of ['index', 'express', 'fetch', 'node']) {
    const entry = name === 'index' ? 'auth-agent-mcp-sdk' : `auth-agent-mcp-sdk/${name}`
    writeFileSync(join(project, 'src', `${name}.js`), `export * from '${entry}'\n`)
  }
  cpSync(join(source, '../contract'), join(project, 'contract'), { recursive: true })
}

let folder: string
let packed: Packed
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sdk-runtimes-'))
  packed = packSdk(folder)
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

it.each(['lowest', 'newest'] as const)('O5 each peer has a %s version that is a number', (wanted) => {
  expect(peers.map((peer) => versionOf(peer, wanted))).toEqual(
    peers.map(() => expect.stringMatching(/^\d+\.\d+\.\d+$/)),
  )
})

describe.each(runtimes)('$name, $version, with the $peers peers', (runtime) => {
  it('O5 runs every case of the contract on the package installed into an empty project', () => {
    const node = fetchNode(runtime)
    const project = join(folder, runtime.version)
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const wanted = peers.map((peer) => `${peer}@${versionOf(peer, runtime.peers)}`)
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--save-exact']
    runIn(project, 'npm', 'install', ...options, join(folder, packed.filename), ...wanted)
    writeProgram(project)
    const result = JSON.parse(runIn(project, node, 'test/contract-program.js', 'contract'))
    const count = loadContract(new URL('../../contract/', import.meta.url)).files.flatMap(({ cases }) => cases).length
    expect(result).toEqual({ node: runtime.version, passed: count * 5, failed: [] })
    const verifier = "import('auth-agent-mcp-sdk/mcp').then((module) => console.log(Object.keys(module).join()))"
    expect(runIn(project, node, '--input-type=module', '-e', verifier)).toContain('authAgentVerifier')
  }, 600_000)
})
