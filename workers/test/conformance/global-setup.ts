import type { TestProject } from 'vitest/node'
import { makeLoopbackCertificate } from '../support/certificate.ts'
import { startStack } from '../support/stack.ts'
import type {} from './place.ts'

type Running = Awaited<ReturnType<typeof startStack>>
let stack: Running | undefined

/** One full stack for all conformance tests: every file registers servers and people of its own. */
export async function setup(project: TestProject): Promise<void> {
  const documentHost = await makeLoopbackCertificate()
  // Programs describe themselves at an https URL, and some accept no other: theirs is on this machine, which the Worker
  // reads with the development switch alone.
  const variables = { DOCUMENTS_ALLOW_LOOPBACK: 'on' }
  const trustedCertificates = [documentHost.certificate]
  stack = await startStack({ database: 'pglite', example: true, variables, trustedCertificates })
  const { issuer, mailbox, example } = stack
  if (example === undefined) throw new Error('the stack came without its example')
  project.provide('place', { issuer, mailboxUrl: mailbox.url, exampleUrl: example.server_url, example })
  project.provide('documentHost', documentHost)
}

export async function teardown(): Promise<void> {
  await stack?.close()
}
