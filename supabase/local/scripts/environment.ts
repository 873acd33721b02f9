/**
 * The values of these environment variables; where one is missing, says all that are, and ends the process.
 * @param wanted what each is for
 */
export function environment<Name extends string>(wanted: Readonly<Record<Name, string>>): Record<Name, string> {
  const names = Object.keys(wanted).filter((name): name is Name => name in wanted)
  const missing = names.filter((name) => (process.env[name] ?? '') === '')
  if (missing.length > 0) {
    for (const name of missing) console.error(`${name} is missing: ${wanted[name]}.`)
    process.exit(1)
  }
  const values: Record<string, string> = Object.fromEntries(names.map((name) => [name, process.env[name] ?? '']))
  return values
}
