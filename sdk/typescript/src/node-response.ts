import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from './access.ts'
import { filterResponse } from './node-filter.ts'

// A symbol that nobody else has: what a request may do is not set by what it says, nor by another middleware.
const ACCESS = Symbol('access')

export type Admitted = IncomingMessage & { [ACCESS]?: Access }

/**
 * What a request may do, and for whom.
 * @throws Error where `authAgentMiddleware` has not let it pass
 */
export function accessOf(request: Admitted): Access {
  const access = request[ACCESS]
  if (access === undefined) throw new Error('this handler stands before authAgentMiddleware, or without it')
  return access
}

/** Notes what a request may do, and readies its response: headers now, lists while they are written. */
export function admit(request: Admitted, response: ServerResponse, access: Access): void {
  request[ACCESS] = access
  for (const [name, value] of access.headers) {
    if (name === 'Vary') response.appendHeader(name, value)
    else response.setHeader(name, value)
  }
  if (access.listFilter !== undefined) filterResponse(response, access.listFilter)
}

/** Sends an answer of the middleware, such as the one of `refuseWithout`. */
export async function send(answer: Response, response: ServerResponse): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer())
  for (const [name, value] of answer.headers) response.setHeader(name, value)
  response.statusCode = answer.status
  response.end(body)
}
