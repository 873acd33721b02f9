import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import type { Messages } from '../pages/messages/en.ts'
import { isLanguage, type Language } from '../pages/messages/language-tags.ts'
import { messagesIn } from '../pages/messages/languages.ts'
import { readCookie, writeCookie } from './cookies.ts'

const otherwise: Language = 'en'

/** Longer ones are no browser's; what comes after is not read. */
const headerLimitCharacters = 256

type Preference = { readonly tag: string; readonly weight: number }

function preference(part: string): Preference {
  const [tag = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  return { tag, weight: weight === undefined ? 1 : Number(weight) || 0 }
}

/** `de-AT` is answered in `de` (RFC 4647 §3.4: the range is shortened from its end). */
function lookUp(tag: string): Language | undefined {
  const subtags = tag.split('-')
  for (let length = subtags.length; length > 0; length -= 1) {
    const shorter = subtags.slice(0, length).join('-')
    if (isLanguage(shorter)) return shorter
  }
  return undefined
}

/** The first language of ours among these tags, most wanted first. */
export function firstLanguage(tags: readonly string[]): Language | undefined {
  for (const tag of tags) {
    const language = lookUp(tag.toLowerCase())
    if (language !== undefined) return language
  }
  return undefined
}

/** The language of a browser's Accept-Language header (RFC 9110 §12.5.4); English when it wants none of ours. */
export function acceptedLanguage(header: string | undefined): Language {
  const preferences = (header ?? '').slice(0, headerLimitCharacters).split(',').map(preference)
  const wanted = preferences.filter(({ weight }) => weight > 0).sort((one, other) => other.weight - one.weight)
  return firstLanguage(wanted.map(({ tag }) => tag)) ?? otherwise
}

/** Longer than one authorization may take. */
const askedLanguageSeconds = 900

/** What a program asks for (OpenID Connect Core §3.1.2.1, `ui_locales`) holds for all pages of its authorization. */
export function rememberLocales(c: Context<AppEnv>, ui_locales: string | undefined): void {
  const language = firstLanguage((ui_locales ?? '').split(' ', 10))
  if (language === undefined) return
  c.set('language', language)
  writeCookie(c, 'language', language, askedLanguageSeconds)
}

/** The language of the answer to this request: what the program asked for, else what the browser prefers. */
export function languageOf(c: Context<AppEnv>): Language {
  const asked = c.get('language') ?? firstLanguage([readCookie(c, 'language') ?? ''])
  return asked ?? acceptedLanguage(c.req.header('accept-language'))
}

export function messagesOf(c: Context<AppEnv>): Messages {
  return messagesIn(languageOf(c))
}
