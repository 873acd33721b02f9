import { describe, expect, it } from 'vitest'
import { acceptedLanguage, firstLanguage } from './language.ts'

describe('the language of a page', () => {
  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['de', 'de'],
    ['de-AT', 'de'],
    ['DE-ch,en;q=0.8', 'de'],
    ['fr,de;q=0.5,en;q=0.4', 'de'],
    ['en;q=0.2,de;q=0.9', 'de'],
    ['de;q=0,en', 'en'],
    ['fr-FR, *;q=0.1', 'en'],
    ['de;q=nonsense', 'en'],
    ['constructor', 'en'],
  ] as const)('for Accept-Language %j is %s (RFC 9110 §12.5.4, RFC 4647 §3.4)', (header, language) => {
    expect(acceptedLanguage(header)).toBe(language)
  })

  it('takes the first of a list that there is, and none where there is none', () => {
    expect(firstLanguage(['fr-CA', 'de-CH', 'en'])).toBe('de')
    expect(firstLanguage(['fr', 'toString'])).toBeUndefined()
  })
})
