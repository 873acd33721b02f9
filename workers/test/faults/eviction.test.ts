import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OwnServer, registerOwnServer } from '../../bench/visitor.ts'
import { type FaultPlace, startFaultPlace } from './fault-place.ts'
import { redirectUri, walk } from './journey.ts'

let place: FaultPlace
let server: OwnServer

beforeAll(async () => {
  place = await startFaultPlace()
  server = await registerOwnServer(place.issuer)
})
afterAll(() => place.close())

async function register(): Promise<string> {
  const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${place.issuer}/register`, { method: 'POST', headers, body })
  return ((await answer.json()) as { client_id: string }).client_id
}

test('M9 [isolate_evicted] a new process for each request: no step needs what another one remembered', async () => {
  const processes = new Set<number>()
  for (const client_id of ['client_install_mcp', await register()]) {
    const around = async (_step: string, send: () => Promise<never>) => {
      await place.restart()
      processes.add(place.worker().pid)
      return send()
    }
    await walk({ place, server, client_id, around: (step, send) => around(step, send as () => Promise<never>) })
  }
  expect(processes.size).toBe(18)
})
