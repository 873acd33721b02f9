import { createServer, type Server, type Socket } from 'node:net'

/** What one connection to the host saw. */
export type Connection = {
  readonly socket: Socket
  /** Bytes that the host could write before the other side went away. */
  written: () => number
  /** Settles when the other side has closed the connection. */
  readonly closed: Promise<void>
}

/** A host on loopback that speaks as badly as it is told to: no HTTP library is bad enough. */
export type StrangeHost = {
  readonly url: (path?: string) => string
  readonly connections: readonly Connection[]
  /** What the host does with each connection from now on; `head` is what it was asked. */
  behave: (behaviour: (socket: Socket, head: string) => void) => void
  readonly close: () => Promise<void>
}

export async function openStrangeHost(): Promise<StrangeHost> {
  const connections: Connection[] = []
  const open = new Set<Socket>()
  let behaviour: (socket: Socket, head: string) => void = (socket) => socket.end()
  const server: Server = createServer((socket) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      resolve()
    })
    socket.on('error', () => undefined)
    connections.push({ socket, written: () => socket.bytesWritten, closed: promise })
    let head = ''
    const hear = (chunk: Buffer) => {
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      socket.off('data', hear)
      socket.resume()
      behaviour(socket, head)
    }
    socket.on('data', hear)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the strange host has no port')
  return {
    url: (path = '/client.json') => `http://127.0.0.1:${address.port}${path}`,
    connections,
    behave: (next) => {
      connections.length = 0
      behaviour = next
    },
    close: () => {
      for (const socket of open) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

const jsonHead = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

/** A whole answer, framed by its length. */
export function answerWith(socket: Socket, body: string | Buffer, head = jsonHead): void {
  socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`)
  socket.end(body)
}

/** Writes this again and again, as fast as it is taken, until the other side goes away. */
export function pour(socket: Socket, head: string, chunk: string): void {
  socket.write(head)
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
    socket.once('drain', more)
  }
  more()
}

export { jsonHead }
