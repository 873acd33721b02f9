import { de } from './de.ts'
import { en, type Messages } from './en.ts'
import type { Language } from './language-tags.ts'

/** A new language is its file, its word here, and its tag. */
const all: Readonly<Record<Language, Messages>> = { en, de }

export function messagesIn(language: Language): Messages {
  return all[language]
}
