export type DeviceFamily = { readonly browser: string | undefined; readonly system: string | undefined }

/** First match counts: most browsers also name those they descend from. */
const browsers = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|Chromium|CriOS|HeadlessChrome)\//],
  ['Safari', /\bVersion\/[\d.]+ .*Safari\//],
] as const

const systems = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['Linux', /\bLinux\b/],
] as const

type Family = readonly [name: string, shape: RegExp]

/**
 * The rough kind of browser and system of a User-Agent (RFC 9110 §10.1.5). Only our own words come out, so whatever
 * somebody writes into the header cannot speak to the person on a page or in a mail (SECURITY §16).
 */
export function deviceFamily(userAgent: string | undefined): DeviceFamily {
  const first = (families: readonly Family[]) => families.find(([, shape]) => shape.test(userAgent ?? ''))?.[0]
  return { browser: first(browsers), system: first(systems) }
}
