import { once } from 'node:events'
import { createServer } from 'node:https'
import { inject } from 'vitest'
import type { Certificate } from '../support/certificate.ts'

/** How a document is answered; the usual way is 200 and JSON. */
export type Document = {
  readonly body: string
  readonly status: number
  readonly contentType: string
  readonly cacheControl: string | undefined
  readonly location: string | undefined
}

export type DocumentHost = {
  /** Serves what `made` makes of its own URL, at a path that nobody else has, and gives the URL. */
  readonly publish: (name: string, made: (url: string) => object, answer?: Partial<Document>) => string
  /** How often a URL was asked for. */
  readonly requests: (url: string) => number
  readonly close: () => Promise<void>
}

const usual = { status: 200, contentType: 'application/json', cacheControl: undefined, location: undefined }
const nothing: Document = { ...usual, status: 404, body: '{}' }

const headersOf = ({ contentType, cacheControl, location }: Document): Record<string, string> => ({
  'content-type': contentType,
  ...(cacheControl === undefined ? {} : { 'cache-control': cacheControl }),
  ...(location === undefined ? {} : { location }),
})

/** An https server as the publisher of a program runs one, for client metadata documents and key sets. */
export async function hostDocuments({ certificate, key }: Certificate = inject('documentHost')): Promise<DocumentHost> {
  const documents = new Map<string, Document>()
  const asked: string[] = []
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const document = documents.get(path) ?? nothing
    response.writeHead(document.status, headersOf(document)).end(document.body)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the document host has no port')
  const origin = `https://localhost:${address.port}`
  return {
    publish: (name, made, answer = {}) => {
      const path = `/${crypto.randomUUID()}/${name}`
      const url = `${origin}${path}`
      documents.set(path, { ...usual, body: JSON.stringify(made(url)), ...answer })
      return url
    },
    requests: (url) => asked.filter((path) => `${origin}${path}` === url).length,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
