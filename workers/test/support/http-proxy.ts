import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type Listening, listen } from 'auth-agent-mcp-local/src/http.ts'

type Forwarded = {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: Buffer
}

/** One request on its way, and what can be done with it. */
export type Passing = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Sends it on, and gives the whole answer; the caller has not got it yet. */
  readonly forward: () => Promise<Forwarded>
}

export type Behaviour = (passing: Passing) => unknown

/** Stands between two real parts, and does to what passes what networks and outages do. */
export type HttpProxy = {
  readonly url: string
  /** How many requests came since the behaviour was chosen. */
  readonly seen: () => number
  /** Settles once everything that was sent on has been answered. */
  readonly idle: () => Promise<void>
  /** What happens to every request from now on. */
  readonly behave: (behaviour: Behaviour) => void
  /** Nobody listens any more, until it comes back at the same port. */
  readonly leave: () => Promise<void>
  readonly comeBack: () => Promise<void>
  readonly close: () => Promise<void>
}

export async function openHttpProxy(targetOf: () => string, port = 0): Promise<HttpProxy> {
  const agent = new Agent({ keepAlive: true })
  let behaviour: Behaviour = pass
  let seen = 0
  const underway = new Set<Promise<unknown>>()
  const send = (asked: IncomingMessage): Promise<Forwarded> => {
    const sending = forward(asked, targetOf(), agent)
    underway.add(sending)
    const over = () => underway.delete(sending)
    sending.then(over, over)
    return sending
  }
  const listener = (asked: IncomingMessage, response: ServerResponse): void => {
    seen += 1
    void behaviour({ request: asked, response, forward: () => send(asked) })
  }
  let listening: Listening = await listen(listener, port, 'a proxy')
  const { port: ownPort, url } = listening
  return {
    url,
    seen: () => seen,
    idle: async () => {
      while (underway.size > 0) await Promise.allSettled(underway)
    },
    behave: (next) => {
      behaviour = next
      seen = 0
    },
    leave: () => listening.close(),
    comeBack: async () => {
      listening = await listen(listener, ownPort, 'a proxy')
    },
    close: async () => {
      agent.destroy()
      await listening.close()
    },
  }
}

function forward(asked: IncomingMessage, target: string, agent: Agent): Promise<Forwarded> {
  return new Promise((resolve, reject) => {
    const options = { method: asked.method ?? 'GET', headers: asked.headers, agent }
    const onward = request(new URL(asked.url ?? '/', target), options, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(chunks) }),
      )
    })
    onward.on('error', reject)
    asked.pipe(onward)
  })
}

export const pass: Behaviour = async ({ forward: send, response }) => {
  const { status, headers, body } = await send()
  const { 'transfer-encoding': _framing, ...others } = headers
  response.writeHead(status, { ...others, 'content-length': body.length }).end(body)
}

/** The connection ends before the request has gone anywhere. */
export const hangUp: Behaviour = ({ request: asked }) => asked.socket.destroy()

/** Half-open: accepts and never answers; the request has gone nowhere. */
export const neverAnswer: Behaviour = () => undefined

/** The answer begins, names its whole length, and stops; then the connection ends. */
export const answerHalf: Behaviour = async (passing) => {
  await writeHalf(passing)
  passing.request.socket.destroy()
}

/** The same, but the connection stays open. */
export const stallHalfWay: Behaviour = (passing) => writeHalf(passing)

// Nothing is sent on: what was decided and whose answer is lost is a fault of its own.
function writeHalf({ response }: Passing): Promise<void> {
  return new Promise((resolve) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 })
    response.write('{"outcome":', () => resolve())
  })
}

/** Something between answers in place of what was asked. */
export const answerWithGatewayPage: Behaviour = ({ response }) =>
  response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway: upstream 10.0.0.7</html>')

/** A captive gateway: status 200, and no JSON. */
export const answerWithHtml: Behaviour = ({ response }) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Maintenance of relation x</html>')

/** It is done, and nobody hears of it. */
export const loseAnswer: Behaviour = async ({ request: asked, forward: send }) => {
  await send()
  asked.socket.destroy()
}

/** Everything arrives, this much later. */
export const delayBy =
  (ms: number): Behaviour =>
  (passing) =>
    setTimeout(() => void pass(passing), ms)
