import { connect, createServer, type Socket } from 'node:net'

/** Stands between two parts that speak any protocol over TCP. */
export type TcpProxy = {
  readonly port: number
  /** Every connection ends, and so does every new one at once. */
  readonly cut: () => void
  /** Every connection stays, and nothing passes any more: a network that has gone without a word. */
  readonly freeze: () => void
  /** All is well again; what was frozen ends, as it does when TCP finds out. */
  readonly mend: () => void
  readonly close: () => Promise<void>
}

export async function openTcpProxy(targetPort: number): Promise<TcpProxy> {
  const open = new Set<Socket>()
  let state: 'passing' | 'cut' | 'frozen' = 'passing'
  const endAll = (): void => {
    for (const socket of open) socket.destroy()
  }
  const join = (socket: Socket): void => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => open.delete(socket))
  }
  const server = createServer((socket) => {
    join(socket)
    if (state === 'cut') socket.destroy()
    if (state !== 'passing') return
    const onward = connect(targetPort, '127.0.0.1')
    join(onward)
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      from.on('data', (chunk) => {
        if (state === 'passing') to.write(chunk)
      })
      from.once('close', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')
  return {
    port: address.port,
    cut: () => {
      state = 'cut'
      endAll()
    },
    freeze: () => {
      state = 'frozen'
    },
    mend: () => {
      if (state === 'frozen') endAll()
      state = 'passing'
    },
    close: () => {
      endAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
