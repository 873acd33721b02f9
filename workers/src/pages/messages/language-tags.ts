/** Every language of the pages, by its tag (RFC 5646), English first. */
export const languages = ['en', 'de'] as const

export type Language = (typeof languages)[number]

export function isLanguage(tag: string): tag is Language {
  return languages.some((language) => language === tag)
}
