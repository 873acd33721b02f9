import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const source = join(import.meta.dirname, '..')
const tools = join(source, '../../node_modules/.bin')
const env = { ...process.env, PATH: `${tools}${delimiter}${process.env.PATH}` }

let folder: string
let packed: { filename: string; files: { path: string }[] }

// Built and packed aside: `dist` may be in use by somebody who runs the example.
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sdk-package-'))
  run('tsc', '-p', join(source, 'tsconfig.build.json'), '--outDir', join(folder, 'dist'))
  for (const name of ['package.json', 'README.md', 'LICENSE']) copyFileSync(join(source, name), join(folder, name))
  packed = JSON.parse(run('npm', 'pack', '--json', '--ignore-scripts', '--loglevel=silent'))[0]
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

describe('the published package', () => {
  it('holds the compiled modules and nothing else', () => {
    const modules = packed.files.map((file) => file.path).filter((path) => path.endsWith('.js'))
    expect(
      packed.files.map((file) => file.path).filter((path) => !/^dist\/[a-z0-9-]+\.(js|d\.ts)$/.test(path)),
    ).toEqual(['LICENSE', 'README.md', 'package.json'])
    expect(modules).toMatchInlineSnapshot(`
      [
        "dist/access-token.js",
        "dist/allowed-caller.js",
        "dist/answers.js",
        "dist/assert-never.js",
        "dist/bearer.js",
        "dist/called-tools.js",
        "dist/config.js",
        "dist/cors.js",
        "dist/fixed-url.js",
        "dist/guard.js",
        "dist/hono.js",
        "dist/index.js",
        "dist/introspection.js",
        "dist/json.js",
        "dist/lru.js",
        "dist/metadata.js",
        "dist/read-text.js",
        "dist/report.js",
        "dist/resource.js",
        "dist/scopes.js",
        "dist/sha256.js",
        "dist/single-flight.js",
        "dist/user.js",
        "dist/verify-token.js",
      ]
    `)
  })

  it('depends on nothing but its framework, as a peer', () => {
    const { dependencies, peerDependencies, scripts } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
    expect(dependencies).toBeUndefined()
    expect(Object.keys(peerDependencies)).toEqual(['hono'])
    expect(Object.keys(scripts).filter((name) => /install$/.test(name))).toEqual([])
  })

  it('is right for its users in the eyes of publint', () => {
    expect(run('publint', 'run', join(folder, packed.filename), '--strict')).toContain('All good!')
  }, 60_000)

  it('is right for their compilers in the eyes of Are the Types Wrong', () => {
    expect(run('attw', join(folder, packed.filename), '--profile', 'esm-only', '--format', 'json')).toBeTruthy()
  }, 60_000)
})

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: folder, env, encoding: 'utf8' })
}
