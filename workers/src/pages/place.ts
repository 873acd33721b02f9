import { fillText } from './fill.tsx'
import type { Messages } from './messages/en.ts'

/** Where a request came from, as roughly as it told: never more than words of our own and a country's code. */
export type Place = {
  readonly browser: string | undefined
  readonly system: string | undefined
  readonly country: string | undefined
}

/** The name of a country in this language (ISO 3166-1, CLDR). */
export function countryName(code: string, language: string): string {
  return new Intl.DisplayNames([language], { type: 'region' }).of(code) ?? code
}

/** "Firefox on Linux, Switzerland". */
export function placeText({ browser, system, country }: Place, messages: Messages): string {
  const text = messages.place
  const named = browser ?? text.unknown_browser
  const device = system === undefined ? named : fillText(text.browser_on, { browser: named, system })
  if (country === undefined) return device
  return fillText(text.in_country, { device, country: countryName(country, messages.language) })
}
