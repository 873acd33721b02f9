import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import type { AuthAgentOptions, User } from '../src/index.ts'
import type { Adapter, Handler, Seen, Sent, Served } from './adapters.ts'
import { atSecond } from './at-second.ts'
import {
  type ContractCase,
  type Defaults,
  type Exchange,
  expectedHeaders,
  fill,
  loadDefaults,
  optionsOf,
  scriptIssuer,
  withTokens,
} from './contract-case.ts'

/** Every file of cases in `sdk/contract`. No test framework takes part, so that it runs on any Node. */
export function loadContract(folder: URL) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'defaults.json')
  const read = (name: string): ContractCase[] => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
  return { standard: loadDefaults(folder), files: names.map((name) => ({ name, cases: read(name) })) }
}

/** @throws AssertionError when the adapter answers anything else than the case says */
export async function runCase(adapter: Adapter, contract: ContractCase, standard: Defaults): Promise<void> {
  const defaults = withTokens(standard, contract)
  const given = optionsOf(defaults, contract)
  const issuer = scriptIssuer(defaults, contract.issuer ?? [], String(given.apiKey))
  const options = { ...given, fetch: issuer.fetch, log: () => {} } as unknown as AuthAgentOptions
  const ran: User[] = []
  const handler: Handler = { answer: undefined, ran: (user) => ran.push(user) }
  const started = adapter.start(options, handler)
  if (contract.refused_at_start) {
    await assert.rejects(started, { name: 'AuthAgentConfigError' })
    return
  }
  const served = await started
  try {
    for (const [position, exchange] of (contract.exchanges ?? []).entries()) {
      // Requests that are sent at once have all come before the issuer answers the first.
      if ((exchange.times ?? 1) > 1) issuer.holdUntil(served.arrived(exchange.times ?? 1))
      handler.answer = fill(defaults, exchange.handler)
      compare({ defaults, exchange, answers: await sendAll(served, exchange, defaults), ran: ran.splice(0) })
      assert.equal(issuer.calls(), exchange.expect.issuer_calls, `calls of the issuer after exchange ${position + 1}`)
    }
  } finally {
    await served.close()
  }
}

async function sendAll(served: Served, exchange: Exchange, defaults: Defaults): Promise<Seen[]> {
  const { times = 1, at_seconds = 0 } = exchange
  const sent = fillRequest(exchange, defaults)
  return atSecond(defaults.now_seconds + at_seconds, () =>
    Promise.all(Array.from({ length: times }, () => served.send(sent))),
  )
}

function fillRequest(exchange: Exchange, defaults: Defaults): Sent {
  const { url, path = '/mcp', method = 'GET', headers = [], body, text, base64 } = fill(defaults, exchange.request)
  const [, origin = 'https://mcp.example', target = path] = /^(\w+:\/\/[^/]*)(.*)$/.exec(url ?? '') ?? []
  const json = body === undefined ? null : JSON.stringify(body)
  const sent = base64 === undefined ? (text ?? json) : Buffer.from(base64, 'base64')
  return { origin, target, method, headers, body: sent }
}

type Compared = { defaults: Defaults; exchange: Exchange; answers: readonly Seen[]; ran: readonly User[] }

function compare({ defaults, exchange, answers, ran }: Compared): void {
  const wanted = exchange.expect
  for (const seen of answers) {
    assert.equal(seen.status, wanted.status)
    assert.deepEqual(seen.headers, expectedHeaders(defaults, wanted.headers))
    if (wanted.text !== undefined) assert.equal(seen.text, wanted.text)
    const body = typeof wanted.body === 'string' ? defaults.bodies[wanted.body] : wanted.body
    if (body !== undefined) assert.equal(seen.text, body === null ? '' : JSON.stringify(body))
    if (wanted.user !== undefined && exchange.handler === undefined) {
      assert.deepEqual(JSON.parse(seen.text), wanted.user)
    }
  }
  assert.equal(ran.length, wanted.handler_ran ? answers.length : 0)
  if (wanted.user !== undefined) for (const user of ran) assert.deepEqual({ ...user }, wanted.user)
}
