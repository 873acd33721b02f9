import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'

export type Listening = { url: string; port: number; close: () => Promise<void> }

const refusals: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken: stop what listens there, or choose another port.',
  EACCES: 'may not be used by this account: choose one from 1024 upwards.',
}

/** The port cannot be had. The message is one sentence for a person. */
export class PortRefused extends Error {
  constructor(port: number, what: string, refusal: string) {
    super(`Port ${port}, wanted for ${what}, ${refusal}`)
  }
}

/**
 * Listens on loopback only, `port` 0 for a free one.
 * @throws PortRefused with `what` in its sentence
 */
export async function listen(listener: RequestListener, port: number, what: string): Promise<Listening> {
  const server = createServer(listener)
  // Longer than any client keeps an idle connection: else a request can meet a connection that is just closing.
  server.keepAliveTimeout = 120_000
  const actualPort = await bind(server, port, what)
  return { url: `http://127.0.0.1:${actualPort}`, port: actualPort, close: () => close(server) }
}

function bind(server: Server, port: number, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const refusal = 'code' in error ? refusals[String(error.code)] : undefined
      reject(refusal === undefined ? error : new PortRefused(port, what, refusal))
    })
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
      else reject(new Error(`${what} has no port`))
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** Reads a body as UTF-8, or gives undefined when it is longer than `limitBytes`. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    sizeBytes += bytes.length
    if (sizeBytes <= limitBytes) chunks.push(bytes)
  }
  return sizeBytes > limitBytes ? undefined : Buffer.concat(chunks).toString('utf8')
}
