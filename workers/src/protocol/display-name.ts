import { isProtectedName } from './known-programs.ts'

/**
 * Text that shows what it is: no control, format (bidi, zero-width), private-use, unassigned or otherwise invisible
 * character; the selector that makes a sign an emoji is visible enough.
 */
export function isPlainText(text: string): boolean {
  return !/[\p{C}\p{Zl}\p{Zp}]|(?!\ufe0f)\p{Default_Ignorable_Code_Point}/u.test(text)
}

/**
 * A name as it is stored and shown: NFC, trimmed.
 * @returns undefined when it is empty, longer than `maximum` characters, not plain, or a protected name's look-alike
 */
export function parseDisplayName(name: string, maximum: number): string | undefined {
  const shown = name.normalize('NFC').trim()
  if (shown === '' || [...shown].length > maximum || !isPlainText(shown)) return undefined
  if (!/[\p{L}\p{N}]/u.test(shown)) return undefined
  return isProtectedName(shown) ? undefined : shown
}
