import { describe, expect, it } from 'vitest'
import type { Frame } from './layout.tsx'
import type { Mail } from './mail.tsx'
import {
  codeMail,
  connectionMail,
  deletedMail,
  identityMail,
  lostPasskeysMail,
  passkeyMail,
  reportEndedMail,
  signInMail,
  theftMail,
} from './mails.ts'
import { isLanguage, languages } from './messages/language-tags.ts'
import { messagesIn } from './messages/languages.ts'

const circumstances = { place: 'Firefox on Linux, Switzerland', moment: '24 Nov 2026, 13:05 UTC' }
const code = { code: '04915526', minutes: 10, serverHost: 'files.example.net' }

function everyMail(frame: Frame): Record<string, Mail> {
  const connection = { ...circumstances, client: undefined, serverHost: 'files.example.net' }
  return {
    code: codeMail(frame, code),
    codeOfIdentity: codeMail(frame, { ...code, serverHost: undefined }),
    signIn: signInMail(frame, circumstances),
    connection: connectionMail(frame, { ...connection, kind: 'server' }),
    identity: connectionMail(frame, { ...connection, kind: 'identity', serverHost: undefined }),
    management: connectionMail(frame, { ...connection, kind: 'management', client: 'Claude Code' }),
    theft: theftMail(frame, 'files.example.net'),
    otherTheft: theftMail(frame, undefined),
    deleted: deletedMail(frame, circumstances),
    passkeyAdded: passkeyMail(frame, { ...circumstances, kind: 'added', settles: circumstances.moment }),
    passkeyRemoved: passkeyMail(frame, { ...circumstances, kind: 'removed', settles: undefined }),
    passkeysRemoved: passkeyMail(frame, { ...circumstances, kind: 'lost', settles: undefined }),
    identityLinked: identityMail(frame, 'linked', { ...circumstances, provider: 'Acme' }),
    identityUnlinked: identityMail(frame, 'unlinked', { ...circumstances, provider: 'Acme' }),
    passkeysLost: lostPasskeysMail(frame, { ...circumstances, removable: circumstances.moment }),
    reportEndedKept: reportEndedMail(frame, 'kept', circumstances),
    reportEndedUsed: reportEndedMail(frame, 'used', circumstances),
    reportEndedChanged: reportEndedMail(frame, 'changed', circumstances),
  }
}

describe.each(languages.filter(isLanguage))('mails in %s', (language) => {
  const frame = { issuerHost: 'mcp.example.com', serviceName: 'Auth-Agent MCP', messages: messagesIn(language) }
  const mails = Object.entries(everyMail(frame))

  it.each(mails)(
    'C7 C16 %s holds no link, no image and nothing from elsewhere (SECURITY §16)',
    (_name, { text, html }) => {
      expect(text).not.toMatch(/https?:|www\.|[{}]/)
      expect(html).not.toMatch(/https?:|href|src=|<img|url\((?!=no)|@import|<script/)
      expect(html.replace(/<style>.*<\/style>/, '')).not.toMatch(/[{}]/)
    },
  )

  it.each(mails)('%s says the same in both parts, and our host', (_name, { text, html }) => {
    for (const sentence of text.split('\n').filter((line) => line !== '' && line !== '-- ')) {
      expect(html.replaceAll('&#39;', "'").replaceAll('&quot;', '"')).toContain(sentence)
    }
    expect(text).toContain('mcp.example.com')
    expect(html).toContain(`<html lang="${language}">`)
  })

  it.each(mails)('C15 %s has no digits in its subject', (_name, { subject }) => {
    expect(subject).not.toMatch(/\d/)
    expect(subject).not.toBe('')
  })

  it('C7 the code mail names the server host, and none where only identity is asked for', () => {
    const { text } = codeMail(frame, code)
    expect([text.includes('04915526'), text.includes('files.example.net')]).toEqual([true, true])
    expect(codeMail(frame, { ...code, serverHost: undefined }).text).not.toContain('files.example.net')
  })

  it.each(mails.filter(([name]) => name.startsWith('reportEnded')))(
    'J22 %s says from where and when, and how whoever waits goes on',
    (_name, { text }) => {
      for (const said of [circumstances.place, circumstances.moment, '/account/sessions', '/account/passkeys']) {
        expect(text).toContain(said)
      }
    },
  )

  it('C7 the notice of a sign-in says from where and when', () => {
    const { text } = signInMail(frame, circumstances)
    expect([text.includes(circumstances.place), text.includes(circumstances.moment)]).toEqual([true, true])
  })
})
