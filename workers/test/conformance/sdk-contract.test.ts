import { readdirSync, readFileSync } from 'node:fs'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { createGuard } from '../../../sdk/typescript/src/fetch.ts'
import { type RegisteredServer, registerServer } from './owner.ts'
import { at, place } from './place.ts'
import { type Answer, answerOf, bearer, connect, introspect } from './program.ts'

type Answered = { to?: string; status: number; headers: Record<string, string>; body?: unknown }
type Case = { issuer?: (string | Answered)[] }

const folder = new URL('../../../sdk/contract/', import.meta.url)
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
const defaults = read('defaults.json')
const cases: Case[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && name !== 'defaults.json')
  .flatMap(read)
const scripted: Answered[] = [
  ...Object.values<Answered>(defaults.issuer_answers),
  ...cases.flatMap(({ issuer = [] }) => issuer.filter((answer) => typeof answer === 'object')),
]

/** What a program can tell two answers apart by, but for the values: members, and the type of each; of a list, its kinds. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((member) => JSON.stringify(shapeOf(member))))].sort()
  if (typeof value !== 'object' || value === null) return typeof value
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, shapeOf(member)])
  return Object.fromEntries(members.sort(([one], [other]) => (one < other ? -1 : 1)))
}

const shapes = scripted.map(({ status, body }) => JSON.stringify([status, shapeOf(body)]))
const shapeOfAnswer = ({ status, body }: Answer) => JSON.stringify([status, shapeOf(body)])

async function withoutEmail(server: RegisteredServer): Promise<RegisteredServer> {
  const headers = { ...bearer(server.management_token), 'content-type': 'application/json' }
  const init = { method: 'PATCH', headers, body: JSON.stringify({ share_email: false }) }
  expect((await fetch(at(`/api/servers/${server.server_id}`), init)).status).toBe(200)
  return server
}

describe('what the SDKs are tested with is what this server answers', () => {
  it('for a live token [rfc7662-2.2-members]', async () => {
    const { server, access_token } = await connect()
    expect(shapes).toContain(shapeOfAnswer(await introspect(server, access_token)))
  })

  it('for a live token of a server that gets no e-mail [rfc7662-2.2-members]', async () => {
    const { server, access_token } = await connect({}, { server: await withoutEmail(await registerServer()) })
    const answer = await introspect(server, access_token)
    expect(answer.body.email).toBeUndefined()
    expect(shapes).toContain(shapeOfAnswer(answer))
  })

  it('for a dead token [rfc7662-2.2-inactive]', async () => {
    const { server } = await connect()
    const answer = await introspect(server, 'nonsense')
    expect(answer.body).toEqual(defaults.issuer_answers.inactive.body)
    expect(shapes).toContain(shapeOfAnswer(answer))
  })

  it('for a refused key, by its status [rfc7662-2.3-unauthorized]', async () => {
    const { server, access_token } = await connect()
    const { status } = await introspect({ ...server, api_key: `sk_${'a'.repeat(61)}` }, access_token)
    expect(scripted.map((answer) => answer.status)).toContain(status)
    expect(status).toBe(401)
  })

  it('for the public facts of a server [rfc8707-2-audience]', async () => {
    const { server_id } = await registerServer()
    const answer = await answerOf(await fetch(at(`/api/servers/${server_id}`)))
    expect(shapes).toContain(shapeOfAnswer(answer))
  })

  it('for its keys [rfc8414-2-jwks]', async () => {
    const answer = await answerOf(await fetch(at('/.well-known/jwks.json')))
    expect(shapes).toContain(shapeOfAnswer(answer))
  })

  it('for the token itself [rfc9068-2.1-typ] [rfc9068-2.2-claims]', async () => {
    const token = (await connect()).access_token
    expect(shapeOf(decodeProtectedHeader(token))).toEqual(shapeOf(defaults.token.header))
    expect(shapeOf(decodeJwt(token))).toEqual(shapeOf(defaults.token.claims))
  })
})

describe('the SDK, asked about a real token', () => {
  it.each([
    ['by introspection', {}],
    ['by its signature, then by introspection', { signatureFirst: true }],
    ['by its signature alone', { validation: 'jwt' as const, apiKey: undefined }],
  ])('knows who it is %s [rfc9068-4-keys] [rfc7662-2.2-active]', async (_, how) => {
    const { server, access_token } = await connect({ scope: 'files:read' })
    const { server_id: serverId, api_key: apiKey } = server
    const guard = createGuard({ serverId, apiKey, issuer: place.issuer, requiredScopes: ['files:read'], ...how })
    const ask = (token: string) => guard.check(new Request(server.server_url, { headers: bearer(token) }))
    const decision = await ask(access_token)
    expect(decision).toMatchObject({ outcome: 'allowed', access: { user: { scopes: ['files:read'] } } })
    expect(await ask(`${access_token.slice(0, -6)}AAAAAA`)).toMatchObject({
      outcome: 'answer',
      response: { status: 401 },
    })
  })
})
