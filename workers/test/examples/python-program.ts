import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Decision, Person, Visit } from '../support/person.ts'
import { python } from './examples.ts'

/** One answer of a server to the program, and what of the request says how the program authenticates. */
export type Exchange = {
  readonly line: string
  readonly sent: Readonly<Record<string, unknown>>
  readonly scheme: string
  readonly basic: string | null
}

export type ToolAnswer = { readonly text: string; readonly is_error: boolean }
export type State = {
  readonly tokens: Readonly<Record<string, unknown>> | null
  readonly client: Readonly<Record<string, unknown>> | null
}

type Said = Record<string, unknown>

type Settings = { url: string; redirectUri: string; mode?: 'auto' | 'legacy'; clientId?: string }

/** The official Python client in a process of its own, with a person who opens every link that it shows. */
export type PythonProgram = {
  readonly visits: Visit[]
  readonly exchanges: Exchange[]
  /** What its person will decide the next time. */
  decide: (decision: Decision) => void
  /** The protocol version that was agreed on. */
  readonly connected: () => Promise<string>
  readonly call: (tool: string, parameters?: object) => Promise<ToolAnswer>
  /** Lets its access token be past its time. */
  readonly expire: () => Promise<void>
  readonly state: () => Promise<State>
  readonly end: () => Promise<void>
}

export function startPythonProgram(person: Person, settings: Settings): PythonProgram {
  const child = spawn(python, [join(import.meta.dirname, 'mcp_client.py'), ...argumentsOf(settings)])
  const program = { visits: [] as Visit[], exchanges: [] as Exchange[], decision: { decision: 'approve' } as Decision }
  const next = answersOf(child, async (url) => {
    const visit = await person.authorize(new URL(url), program.decision)
    program.visits.push(visit)
    return visit.landed.href
  })
  const hear = () => next((exchange) => program.exchanges.push(exchange))
  const ask = (command: object) => {
    child.stdin.write(`${JSON.stringify(command)}\n`)
    return hear()
  }
  return {
    visits: program.visits,
    exchanges: program.exchanges,
    decide: (decision) => {
      program.decision = decision
    },
    connected: async () => String((await hear()).connected),
    call: async (tool, parameters = {}) => (await ask({ tool, arguments: parameters })) as ToolAnswer,
    expire: async () => void (await ask({ expire: true })),
    state: async () => (await ask({ state: true })) as State,
    end: async () => {
      if (child.exitCode !== null) return
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}

function argumentsOf({ url, redirectUri, mode = 'auto', clientId }: Settings): string[] {
  const known = clientId === undefined ? [] : ['--client-id', clientId]
  return ['--url', url, '--redirect-uri', redirectUri, '--mode', mode, ...known]
}

/** Reads what the program says up to the next answer, opening links in between. A failure it tells is thrown. */
function answersOf(child: ChildProcessWithoutNullStreams, open: (url: string) => Promise<string>) {
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  return async (note: (exchange: Exchange) => void): Promise<Said> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`the Python program ended:\n${complaints}`)
      const said = JSON.parse(value) as Said
      if (said.exchange !== undefined) note(said.exchange as Exchange)
      else if (said.authorize !== undefined) {
        child.stdin.write(`${JSON.stringify({ callback: await open(String(said.authorize)) })}\n`)
      } else if (said.failed !== undefined) throw new Error(String(said.failed))
      else return said
    }
  }
}
