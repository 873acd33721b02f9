import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Listening, listen, readBody } from 'auth-agent-mcp-local/src/http.ts'
import type { HostedAnswer, HostRequest } from './worker/document-host.ts'

const limitBytes = 1_000_000

/**
 * A host that strangers run, on loopback: serves what tests inside workerd publish, and tells them who asked for what.
 * `PUT /host/publish?path=…` publishes an answer, `GET /host/requests?path=…` lists the requests for a path.
 */
export function openDocumentHost(): Promise<Listening> {
  const published = new Map<string, HostedAnswer>()
  const requests: HostRequest[] = []
  const publish = async (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    published.set(path, JSON.parse((await readBody(request, limitBytes)) ?? '') as HostedAnswer)
    response.end('{}')
  }
  const serve = (path: string, request: IncomingMessage, response: ServerResponse): void => {
    requests.push({ path, headers: request.headers })
    const {
      status = 200,
      headers = { 'content-type': 'application/json' },
      body = '',
    } = published.get(path) ?? {
      status: 404,
    }
    response.writeHead(status, headers).end(body)
  }
  return listen(
    async (request, response) => {
      const url = new URL(request.url ?? '/', 'http://host')
      const path = url.searchParams.get('path') ?? ''
      if (url.pathname === '/host/publish') return publish(path, request, response)
      if (url.pathname !== '/host/requests') return serve(request.url ?? '/', request, response)
      response.end(JSON.stringify(requests.filter((one) => one.path === path)))
    },
    0,
    'a stranger’s host',
  )
}
