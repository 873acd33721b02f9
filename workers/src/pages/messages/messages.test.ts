import { describe, expect, it } from 'vitest'
import { isReason } from '../../protocol/reasons.ts'
import { browserReasons } from '../../protocol/reasons-browser.ts'
import { en } from './en.ts'
import { isLanguage, languages } from './language-tags.ts'
import { messagesIn } from './languages.ts'

/** Every sentence with its place, `sign_in.title` and so on. */
function sentences(messages: object, path = ''): [string, string][] {
  return Object.entries(messages).flatMap(([key, value]): [string, string][] => {
    const here = path === '' ? key : `${path}.${key}`
    if (here === 'reasons') return []
    return typeof value === 'object' && value !== null ? sentences(value, here) : [[here, String(value)]]
  })
}

const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()
const english = new Map(sentences(en))
const others = languages.filter(isLanguage).filter((language) => language !== 'en')

describe.each(others)('messages in %s', (language) => {
  const messages = messagesIn(language)

  it('name themselves', () => {
    expect(messages.language).toBe(language)
  })

  it('say every sentence with the places it has in English', () => {
    const wrong = sentences(messages).filter(([path, text]) => {
      return text.trim() === '' || `${places(text)}` !== `${places(english.get(path) ?? '')}`
    })
    expect(wrong).toEqual([])
  })

  it('tell the refusals that people meet, and only such as there are', () => {
    const told = Object.keys(messages.reasons)
    expect(told.filter((reason) => reason !== 'any' && !isReason(reason))).toEqual([])
    const onPages = Object.keys(browserReasons).filter((reason) => !reason.startsWith('email_'))
    expect(onPages.filter((reason) => !told.includes(reason))).toEqual([])
    expect(told).toEqual(
      expect.arrayContaining(['any', 'not_found', 'rate_limited', 'server_error', 'store_unavailable']),
    )
  })
})
