import { type ParseArgsConfig, parseArgs } from 'node:util'

/** Reads a measuring program's options; after `--help`, or a wrong one, it says how it is used and ends. */
export function optionsOrUsage<Options extends NonNullable<ParseArgsConfig['options']>>(
  usage: string,
  options: Options,
) {
  try {
    if (!['--help', '-h'].some((asked) => process.argv.includes(asked))) return parseArgs({ options }).values
    console.log(usage)
    process.exit(0)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exit(1)
  }
}
