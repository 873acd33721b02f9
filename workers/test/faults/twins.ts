import { startMailbox } from 'auth-agent-mcp-local/src/mailbox.ts'
import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { workerVariables } from 'auth-agent-mcp-local/src/worker-variables.ts'
import { openHttpProxy, pass } from '../support/http-proxy.ts'
import { startWorker } from '../workerd/place.ts'
import { openFaultDatabase } from './fault-place.ts'

type Variables = Readonly<Record<string, string>>

/** One issuer served by two isolates over one database, as while a deployment spreads. */
export type Twins = {
  readonly issuer: string
  readonly mailboxUrl: string
  readonly secrets: Variables
  /** Starts both anew, each with these variables in place of the first ones. */
  readonly serveAs: (one: Variables, other: Variables) => Promise<void>
  /** Who answers the next request: 0 or 1; they take turns afterwards. */
  readonly next: (isolate: number) => void
  /** Who answers every request from now on. */
  readonly only: (isolate: number) => void
  readonly close: () => Promise<void>
}

export async function startTwins(): Promise<Twins> {
  const closers: (() => Promise<unknown>)[] = []
  const secrets = await makeWorkerSecrets()
  const database = await openFaultDatabase(closers)
  const mailbox = await startMailbox({ secret: secrets.EMAIL_WEBHOOK_SECRET })
  closers.push(mailbox.close)
  let running: Awaited<ReturnType<typeof startWorker>>[] = []
  let turn = 0
  let step = 1
  const front = await openHttpProxy(() => {
    const { worker } = running[turn % 2] ?? {}
    turn += step
    return `http://127.0.0.1:${worker?.port}`
  })
  front.behave(pass)
  closers.push(front.close)
  const issuer = `http://localhost:${new URL(front.url).port}`
  const usual = workerVariables({ issuer, database, mailbox, secrets })
  const stop = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((one) => one.stop()))
  }
  const choose = (isolate: number, stepAfterwards: number): void => {
    turn = isolate
    step = stepAfterwards
  }
  return {
    issuer,
    mailboxUrl: mailbox.url,
    secrets,
    serveAs: async (...both) => {
      await stop()
      running = await Promise.all(both.map((own) => startWorker(0, { bindings: { ...usual, ...own } })))
    },
    next: (isolate) => choose(isolate, 1),
    only: (isolate) => choose(isolate, 0),
    close: async () => {
      await stop()
      for (const closeOne of closers.toReversed()) await closeOne()
    },
  }
}
