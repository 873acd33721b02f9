import type { TestProject } from 'vitest/node'
import { startStack } from '../support/stack.ts'
import type {} from './place.ts'

type Running = Awaited<ReturnType<typeof startStack>>
let stack: Running | undefined

/** One full stack for all conformance tests: every file registers servers and people of its own. */
export async function setup(project: TestProject): Promise<void> {
  stack = await startStack({ database: 'pglite', example: true })
  if (stack.exampleUrl === undefined) throw new Error('the stack came without its example')
  project.provide('place', { issuer: stack.issuer, mailboxUrl: stack.mailbox.url, exampleUrl: stack.exampleUrl })
}

export async function teardown(): Promise<void> {
  await stack?.close()
}
