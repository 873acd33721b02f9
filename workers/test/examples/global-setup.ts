import { exampleLanguages } from 'auth-agent-mcp-local/scripts/example-programs.ts'
import type { TestProject } from 'vitest/node'
import { Sentence } from '../../../scripts/child.mjs'
import { preparePython, pythonExample } from '../../../scripts/python.mjs'
import type {} from '../conformance/place.ts'
import { startStack } from '../support/stack.ts'
import type {} from './examples.ts'

type Running = Awaited<ReturnType<typeof startStack>>
let stack: Running | undefined

/** One full stack with the examples in every language; every file brings people of its own. */
export async function setup(project: TestProject): Promise<void> {
  const python = await preparePython({ env: process.env }, pythonExample).catch(whereThereIsNone)
  stack = await startStack({ database: 'pglite', example: python === undefined ? ['typescript'] : exampleLanguages })
  const { issuer, mailbox, examples, example } = stack
  if (example === undefined) throw new Error('the stack came without its examples')
  project.provide('place', { issuer, mailboxUrl: mailbox.url, exampleUrl: example.server_url, example })
  project.provide(
    'examples',
    examples.map(({ language, registration, filesFolder }) => ({
      language,
      url: registration.server_url,
      filesFolder,
    })),
  )
  project.provide('python', python)
}

// The tests that need it are skipped then, which the whole run counts.
function whereThereIsNone(error: unknown): undefined {
  if (!(error instanceof Sentence)) throw error
  console.error(error.message)
}

export async function teardown(): Promise<void> {
  await stack?.close()
}
