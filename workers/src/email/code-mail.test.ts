import { describe, expect, it } from 'vitest'
import { messages } from '../pages/messages.ts'
import { codeMail } from './code-mail.ts'

const facts = {
  to: 'ada@example.org',
  code: '04915526',
  minutes: 10,
  issuerHost: 'mcp.example.com',
  serverHost: 'files.example.net',
}

describe('code mail', () => {
  it('C7 names our host and the server host, and holds no link (SECURITY §16)', () => {
    const { text } = codeMail(messages.mail, facts)
    expect(text).toContain('mcp.example.com')
    expect(text).toContain('files.example.net')
    expect(text).not.toMatch(/https?:|www\.|\{/)
  })

  it('C15 has no digits in its subject', () => {
    expect(codeMail(messages.mail, facts).subject).not.toMatch(/\d/)
  })

  it('names no server when only identity is asked for', () => {
    const { text } = codeMail(messages.mail, { ...facts, serverHost: undefined })
    expect(text).not.toContain('wants to use')
    expect(text).toContain('04915526')
  })
})
