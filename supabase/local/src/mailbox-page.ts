import { createHash } from 'node:crypto'
import type { Message } from './mailbox.ts'

const styles = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 44rem; padding: 2rem 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
p { margin: 0; opacity: .75; }
ol { list-style: none; margin: 1.5rem 0 0; padding: 0; display: grid; gap: 1rem; }
li { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .6rem; padding: 1rem; }
h2 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .75rem 0 0; font: inherit; }
`

const styleDigest = createHash('sha256').update(styles).digest('base64')

export const pageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleDigest}'; frame-ancestors 'none'; base-uri 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  // Shows new mail without a script.
  Refresh: '3',
} as const

/** A mail's markup is a stranger here as in any mail program: styles, and nothing else. */
export const messageHeaders = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
} as const

/** The page that shows what would have been sent as e-mail, newest first. */
export function mailboxPage(messages: readonly Message[]): string {
  const list = messages.map(messageItem).join('\n')
  const body = messages.length === 0 ? '<p>No mail yet. This page refreshes by itself.</p>' : `<ol>${list}</ol>`
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Mailbox</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${styles}</style></head>
<body><main><h1>Mailbox</h1><p>What Auth-Agent MCP would have sent by e-mail. It stays on this machine.</p>
${body}</main></body>
</html>
`
}

function messageItem(message: Message): string {
  return `<li><h2>${escapeHtml(message.subject)}</h2>
<p>to ${escapeHtml(message.to)}, <time datetime="${escapeHtml(message.received_at)}">${escapeHtml(message.received_at)}</time></p>
<pre>${escapeHtml(message.text)}</pre>${asShown(message)}</li>`
}

function asShown({ id, subject, html }: Message): string {
  if (html === undefined) return ''
  return `<p><a href="/messages/${escapeHtml(id)}" aria-label="As it looks: ${escapeHtml(subject)}">As it looks</a></p>`
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
