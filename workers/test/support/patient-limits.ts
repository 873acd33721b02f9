/**
 * The variable LIMITS with a minute for these: on a busy machine a real answer can be late, and outages are tested elsewhere. What
 * was given counts before it.
 */
export function patientLimits(
  given: unknown,
  ...names: readonly ('database_milliseconds' | 'document_milliseconds')[]
): string {
  const patience = Object.fromEntries(names.map((name) => [name, 60_000]))
  return JSON.stringify({ ...patience, ...(JSON.parse(String(given ?? '{}')) as object) })
}
