/**
 * The load generator, a process of its own: keep-alive connections to loopback, one request in flight on each.
 * It writes prepared HTTP/1.1 bytes to plain sockets, because an HTTP client library costs more CPU per request than
 * the Worker under test, and on two cores that would flatten every ratio towards 1.
 */
import { connect, type Socket } from 'node:net'
import { answerLength } from './http-framing.ts'

export type LoadOrder = {
  port: number
  callers: number
  /** Whole requests. With `durationMs` they repeat in a circle; without it each is sent exactly once. */
  requests: readonly string[]
  durationMs?: number
  /** Every answer must begin with this status and contain this text; anything else fails the run. */
  expect: { status: number; body: string }
}
export type LoadResult = { requests: number; seconds: number; p50Ms: number; p99Ms: number }

type Round = { order: LoadOrder; next: number; done: number; startedMs: number; latenciesMs: number[] }

function takeRequest(round: Round): string | undefined {
  const { requests, durationMs } = round.order
  const over =
    durationMs === undefined ? round.next >= requests.length : performance.now() - round.startedMs > durationMs
  return over ? undefined : requests[round.next++ % requests.length]
}

function assertExpected(answer: Buffer, order: LoadOrder): void {
  const { status, body } = order.expect
  if (answer.subarray(9, 12).toString('latin1') === String(status) && answer.includes(body)) return
  throw new Error(`expected ${status} with ${body}, got: ${answer.toString('utf8').slice(0, 1500)}`)
}

/** Sends one request after another on one connection until the round has none left. */
function runCaller(round: Round, socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    let sentMs = 0
    const sendNext = (): void => {
      const request = takeRequest(round)
      if (request === undefined) {
        resolve()
        return
      }
      sentMs = performance.now()
      socket.write(request)
    }
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed a keep-alive connection')))
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const length = answerLength(received)
      if (length === undefined) return
      try {
        assertExpected(received, round.order)
      } catch (error) {
        reject(error)
        return
      }
      round.latenciesMs.push(performance.now() - sentMs)
      round.done += 1
      received = received.subarray(length)
      sendNext()
    })
    sendNext()
  })
}

function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

async function runRound(order: LoadOrder): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: order.callers }, () => openSocket(order.port)))
  const round: Round = { order, next: 0, done: 0, startedMs: performance.now(), latenciesMs: [] }
  try {
    await Promise.all(sockets.map((socket) => runCaller(round, socket)))
    const seconds = (performance.now() - round.startedMs) / 1000
    const sorted = Float64Array.from(round.latenciesMs).sort()
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { requests: round.done, seconds, p50Ms: at(0.5), p99Ms: at(0.99) }
  } finally {
    for (const socket of sockets) {
      socket.removeAllListeners('close')
      socket.destroy()
    }
  }
}

process.on('message', (order: LoadOrder) => {
  runRound(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})
// The parent is gone: nobody is left to stop us.
process.on('disconnect', () => process.exit(0))
