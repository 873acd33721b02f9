import { once } from 'node:events'
import { createServer, request } from 'node:http'

export type Door = { readonly url: string; readonly close: () => Promise<void> }

/** Stands before a server and adds a token to every request, for clients that cannot be given one; the rest passes as it is. */
export async function openBearerDoor(target: URL, token: string): Promise<Door> {
  const server = createServer((incoming, outgoing) => {
    const headers = [...incoming.rawHeaders, 'Authorization', `Bearer ${token}`]
    const { hostname, port } = target
    // A connection of its own: one that was kept may be closing on the other side just now.
    const onward = { hostname, port, path: incoming.url, method: incoming.method, headers, setHost: false }
    const passed = request({ ...onward, agent: false })
    passed.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.destroy())
    outgoing.on('close', () => passed.destroy())
    incoming.pipe(passed)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the door has no port')
  return {
    url: `http://localhost:${address.port}${target.pathname}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
