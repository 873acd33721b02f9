import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Block, blocksIn, nameOf, root } from './blocks.ts'

// What is cut from a source file is compiled with that file; a notice in a README of somebody else's room is a fragment.
const whole = blocksIn(['ts']).filter(({ cutFrom, text }) => cutFrom === undefined && /^import /m.test(text))

// Inside the package that has every framework and the MCP packages at hand, so that imports resolve as a reader's do.
const folder = mkdtempSync(join(root, 'sdk/typescript/test/.docs-blocks-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const compilerOptions = {
  noEmit: true,
  rootDir: '/',
  lib: ['es2023', 'dom', 'dom.iterable'],
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
  module: 'esnext',
  moduleResolution: 'bundler',
  rewriteRelativeImportExtensions: false,
  paths: {
    'auth-agent-mcp-sdk': [join(root, 'sdk/typescript/src/index.ts')],
    'auth-agent-mcp-sdk/*': [join(root, 'sdk/typescript/src/*.ts')],
  },
}

function fileOf(block: Block, index: number): string {
  const name = `block-${index}.ts`
  writeFileSync(join(folder, name), `// ${nameOf(block)}\n${block.text}\nexport {}\n`)
  return name
}

test('every TypeScript block of a page compiles against the packages', async () => {
  const files = whole.map(fileOf)
  const config = join(folder, 'tsconfig.json')
  writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.base.json'), compilerOptions, files }))
  // Never the synchronous one: a process that hears nothing for a minute is given up by the test runner.
  const complaints = await new Promise((resolve) =>
    execFile(join(root, 'node_modules/.bin/tsc'), ['-p', config], (error, stdout) => resolve(stdout || error)),
  )
  expect(complaints).toBeNull()
  expect(files.length).toBeGreaterThan(3)
})
