import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type ExampleLanguage, exampleLanguages } from './example-programs.ts'
import { root } from './root.ts'

export type StartOptions = {
  folder: string
  port: number
  mailboxPort: number
  examplePort: number
  /** The language of the example that runs; undefined for none. */
  example: ExampleLanguage | undefined
  /** Whether metadata documents, keys and proofs are read from this machine too. */
  readsLoopbackDocuments: boolean
  reset: boolean
}

/** A wrong option. The message is one sentence for a person. */
export class WrongOption extends Error {}

export const usage = `npm start -- [options]

  --port <number>          where the authorization server listens (9400)
  --mailbox-port <number>  where the mailbox listens (54324)
  --example-port <number>  where the example MCP server listens (9401)
  --example <language>     the example in typescript (the default) or python
  --no-example             without the example MCP server
  --loopback-documents     read metadata documents of clients from this machine too
  --data <folder>          where everything is kept (.data)
  --reset                  empty that folder first
`

/**
 * Reads the options of `npm start`; undefined asks for the usage.
 * @throws WrongOption
 */
export function readStartOptions(args: string[]): StartOptions | undefined {
  const { values } = parse(args)
  if (values.help === true) return undefined
  const options = {
    folder: resolve(process.env.INIT_CWD ?? process.cwd(), values.data ?? join(root, '.data')),
    port: portOf('--port', values.port ?? '9400'),
    mailboxPort: portOf('--mailbox-port', values['mailbox-port'] ?? '54324'),
    examplePort: portOf('--example-port', values['example-port'] ?? '9401'),
    example: values['no-example'] === true ? undefined : languageOf(values.example ?? 'typescript'),
    readsLoopbackDocuments: values['loopback-documents'] === true,
    reset: values.reset === true,
  }
  const ports = [options.port, options.mailboxPort, ...(options.example ? [options.examplePort] : [])]
  if (new Set(ports).size !== ports.length) throw new WrongOption(`Give every part its own port: ${ports.join(', ')}.`)
  return options
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        data: { type: 'string' },
        port: { type: 'string' },
        'mailbox-port': { type: 'string' },
        'example-port': { type: 'string' },
        example: { type: 'string' },
        'no-example': { type: 'boolean' },
        'loopback-documents': { type: 'boolean' },
        reset: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new WrongOption(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  }
}

function languageOf(text: string): ExampleLanguage {
  const language = exampleLanguages.find((known) => known === text)
  if (language !== undefined) return language
  throw new WrongOption(`--example wants one of ${exampleLanguages.join(', ')}, not ${text}.`)
}

function portOf(option: string, text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new WrongOption(`${option} wants a number from 1 to 65535, not ${text}.`)
}
