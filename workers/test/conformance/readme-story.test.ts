import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { place } from './place.ts'

const root = join(import.meta.dirname, '../../..')

/** Runs test-oauth-flow.sh as a reader of the README would, with the Node of this run. */
async function tellStory(variables: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
  const env = { ...process.env, PATH: path, ...variables }
  return promisify(execFile)('sh', [join(root, 'test-oauth-flow.sh')], { env }).then(
    (output) => ({ code: 0, ...output }),
    (error) => error,
  )
}

describe('test-oauth-flow.sh', () => {
  it('goes through the whole story [rfc7662-4-revoked] [rfc6749-4.1.2-single-use]', async () => {
    const told = await tellStory({ BASE_URL: place.issuer, MAILBOX_URL: place.mailboxUrl })
    expect(told.stderr).toBe('')
    expect(told.code).toBe(0)
    expect(told.stdout).toMatch(/All \d+ steps went as they should\.\n$/)
  })

  it('stops at the first surprise and says in one sentence which, and where it looked [rfc8414-3.3-issuer]', async () => {
    const elsewhere = place.issuer.replace('localhost', '127.0.0.1')
    const told = await tellStory({ BASE_URL: elsewhere, MAILBOX_URL: place.mailboxUrl })
    expect(told.code).toBe(1)
    expect(told.stderr).toContain(`FAILED: `)
    expect(told.stdout).not.toContain('as they should')
    const nowhere = 'http://localhost:9'
    const BASE_URL = place.issuer
    for (const [variables, sentence] of [
      [{ BASE_URL: nowhere }, `nothing answers at ${nowhere}: run npm start first`],
      [{ BASE_URL: 'localhost:9' }, 'BASE_URL=localhost:9 is no URL'],
      [{ BASE_URL, MAILBOX_URL: nowhere }, `nothing answers at ${nowhere}: name the address that npm start printed`],
      [{ BASE_URL, MAILBOX_URL: BASE_URL }, `${BASE_URL} is no mailbox`],
    ] as const) {
      const { code, stderr } = await tellStory(variables)
      expect([code === 0, stderr]).toEqual([false, expect.stringContaining(`FAILED: ${sentence}`)])
      expect(stderr).not.toContain('last answer')
    }
  })
})
