import { once } from 'node:events'
import { createServer } from 'node:http'

export type Callback = { readonly redirectUri: string; readonly close: () => Promise<void> }

/** What a native program opens to get its code: a listener on a loopback port of the system's choice (RFC 8252 §7.3). */
export async function listenForCallback(path = '/callback'): Promise<Callback> {
  const server = createServer((request, response) => {
    const isCallback = request.url?.startsWith(path)
    response.writeHead(isCallback ? 200 : 404, { 'content-type': 'text/html' })
    response.end(isCallback ? '<!doctype html><title>Done</title><p>You can close this window.' : '')
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the callback listener has no port')
  return {
    redirectUri: `http://localhost:${address.port}${path}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
