import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundleWorker } from '../../scripts/bundle.ts'

// Cloudflare's e-mail binding, as Miniflare has it: it holds senders to a list and keeps both parts in files.

const lines: string[] = []
class Kept extends Log {
  override logWithLevel(_level: LogLevel, message: string): void {
    lines.push(message)
  }
}

let miniflare: Miniflare
beforeAll(async () => {
  const modules = await bundleWorker({ entry: join(import.meta.dirname, 'mail-worker.ts') })
  const options = {
    name: 'mail',
    modules: modules.map(({ name, text }) => ({ type: 'ESModule' as const, path: name, contents: text })),
    compatibilityDate: '2026-10-20',
    email: { send_email: [{ name: 'EMAIL', allowed_sender_addresses: ['no-reply@example.com'] }] },
  }
  miniflare = new Miniflare(convertV4MiniflareOptions({ cf: false, log: new Kept(LogLevel.DEBUG), workers: [options] }))
  await miniflare.ready
})
afterAll(() => miniflare.dispose())

const message = {
  to: 'ada@example.org',
  subject: 'Ihr Code für die Anmeldung',
  text: 'Der Code ist 12345678.\n',
  html: '<!doctype html><p>12345678</p>',
}

async function send(from: string): Promise<string> {
  const answer = await miniflare.dispatchFetch('http://mail/', {
    method: 'POST',
    body: JSON.stringify({ ...message, from }),
  })
  return answer.text()
}

async function partOf(kind: 'Text' | 'HTML'): Promise<string> {
  await expect.poll(() => lines.join('\n')).toMatch(new RegExp(`${kind}: \\S+`))
  return readFile(new RegExp(`${kind}: (\\S+)`).exec(lines.join('\n'))?.[1] ?? '', 'utf8')
}

it.each([
  'no-reply@example.com',
  'Sign-in <no-reply@example.com>',
  '"Sign-in" <no-reply@example.com>',
  '<no-reply@example.com>',
])('takes a mail from %s, with both parts as they are', async (from) => {
  lines.length = 0
  expect(await send(from)).toBe('sent')
  expect([await partOf('Text'), await partOf('HTML')]).toEqual([message.text, message.html])
  expect(lines.join('\n')).toContain('no-reply@example.com')
})

it('C15 is an error without the address where it does not take one', async () => {
  const told = await send('somebody@elsewhere.example')
  expect(told).toBe('EmailNotSent: Cloudflare did not take the mail')
})
