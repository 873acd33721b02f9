import { randomBytes } from 'node:crypto'
import {
  type Connected,
  connect,
  exchangeOf,
  introspectionOf,
  post,
  redirectUri,
  refreshOf,
  type Seen,
  type Tokens,
  type Traveller,
  tokensIn,
} from '../test/faults/journey.ts'
import { insist, type Ledger } from './ledger.ts'

/** A connection that lives, in the hands of one operation at a time. */
type Held = { readonly connected: Connected; tokens: Tokens; refreshedAtMs: number }

export type Crew = { readonly traveller: Traveller; readonly ledger: Ledger; readonly free: Held[] }

/** Ten refreshes a minute are allowed to one connection. */
const betweenRefreshesMs = 7_000

const fewestConnections = 10

/** From the first page to tokens: what a person does once in a while. */
export async function signIn({ traveller, ledger, free }: Crew): Promise<void> {
  const around = (step: string, send: () => Promise<Seen>) => insist(ledger, step, send)
  const connected = await connect({ ...traveller, around })
  const tokens = tokensIn(await insist(ledger, 'exchange', exchangeOf(traveller, connected)))
  free.push({ connected, tokens, refreshedAtMs: 0 })
}

async function introspect({ traveller, ledger }: Crew, held: Held): Promise<void> {
  await expectActive(ledger, introspectionOf(traveller, held.tokens.access_token), true)
}

async function expectActive(ledger: Ledger, send: () => Promise<Seen>, isActive: boolean): Promise<void> {
  const { html } = await insist(ledger, 'introspect', send)
  if (html.includes(`"active":${isActive}`)) return
  ledger.notInjected.push(`introspection, ${isActive ? 'of a live token' : 'of a dead token'}: ${html}`)
}

async function userinfo({ traveller, ledger }: Crew, held: Held): Promise<void> {
  const headers = { authorization: `Bearer ${held.tokens.access_token}` }
  await insist(ledger, 'userinfo', () => post(`${traveller.place.issuer}/userinfo`, {}, headers))
}

async function refresh({ traveller, ledger }: Crew, held: Held): Promise<void> {
  const send = refreshOf(traveller, held.connected, held.tokens.refresh_token)
  held.tokens = tokensIn(await insist(ledger, 'refresh', send))
  held.refreshedAtMs = performance.now()
}

async function revoke({ traveller, ledger }: Crew, held: Held): Promise<void> {
  const { client_id } = held.connected
  const token = held.tokens.refresh_token
  await insist(ledger, 'revoke', () => post(`${traveller.place.issuer}/revoke`, { token, client_id }))
  await expectActive(ledger, introspectionOf(traveller, held.tokens.access_token), false)
}

async function register({ traveller, ledger }: Crew): Promise<void> {
  const body = JSON.stringify({ client_name: 'Soak', redirect_uris: [redirectUri] })
  const headers = { 'content-type': 'application/json' }
  await insist(ledger, 'register', async () => {
    const answer = await fetch(`${traveller.place.issuer}/register`, { method: 'POST', headers, body })
    return { status: answer.status, headers: answer.headers, html: await answer.text(), leftTo: null, ledTo: null }
  })
}

async function introspectGarbage({ traveller, ledger }: Crew): Promise<void> {
  await expectActive(ledger, introspectionOf(traveller, randomBytes(32).toString('base64url')), false)
}

type Operation = { readonly share: number; readonly run: (crew: Crew) => Promise<void> }

/** Takes a connection out of the free ones while it is used; `choose` says which may be taken. */
function withOne(use: (crew: Crew, held: Held) => Promise<void>, choose: (held: Held) => boolean = () => true) {
  return async (crew: Crew): Promise<void> => {
    const index = crew.free.findIndex(choose)
    const [held] = index === -1 ? [] : crew.free.splice(index, 1)
    if (held === undefined) return introspectGarbage(crew)
    await use(crew, held)
    crew.free.push(held)
  }
}

async function revokeOne(crew: Crew): Promise<void> {
  const held = crew.free.length > fewestConnections ? crew.free.shift() : undefined
  if (held !== undefined) await revoke(crew, held)
}

/** Which operation follows which is chance; how many of each there are is not. */
export const operations: readonly Operation[] = [
  { share: 60, run: withOne(introspect) },
  { share: 15, run: withOne(refresh, ({ refreshedAtMs }) => performance.now() - refreshedAtMs > betweenRefreshesMs) },
  { share: 8, run: withOne(userinfo) },
  { share: 8, run: register },
  { share: 5, run: introspectGarbage },
  { share: 2, run: signIn },
  { share: 2, run: revokeOne },
]
