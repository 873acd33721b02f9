import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormPerson, meetFormPerson } from '../support/form-person.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { callers, eachRound } from './crowd.ts'

// Over HTTP, against the Worker in workerd and a real PostgreSQL: what an owner does while others do it too.

let stack: Stack
beforeAll(async () => {
  // An owner of this test works more in a minute than one of flesh and blood in an hour.
  const LIMITS = '{"servers":100000,"keys":100000,"writes_per_hour":1000000}'
  stack = await startStack({ database: 'postgres', variables: { LIMITS } })
})
afterAll(() => stack?.close())

type Answer = { readonly status: number; readonly json: Readonly<Record<string, unknown>> }

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  return { status: response.status, json: text === '' ? {} : (JSON.parse(text) as Answer['json']) }
}

async function api(method: string, path: string, token?: string, body?: object): Promise<Answer> {
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
  return answerOf(await fetch(new URL(path, stack.issuer), init))
}

const form = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(new URL(path, stack.issuer), { method: 'POST', body: new URLSearchParams(fields), headers }).then(answerOf)

const verifier = 'a-verifier-of-the-races-that-is-long-enough-1'
const challenge = 'b1qE5gsYzMDMvtaOEcZDNTOwD1sD0y8PnVqwk2P_ha0'
const client = { client_id: 'client_claude_code', redirect_uri: 'http://localhost:33418/callback' }

/** A person's access token for a resource, by sign-in and consent. */
async function tokenFor(person: FormPerson, resource: string, scope?: string): Promise<string> {
  const url = new URL('/authorize', stack.issuer)
  const asked = { response_type: 'code', ...client, resource, code_challenge: challenge, code_challenge_method: 'S256' }
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value)
  if (scope !== undefined) url.searchParams.set('scope', scope)
  const code = (await person.approve(url)).searchParams.get('code') ?? ''
  const answer = await form('/token', { grant_type: 'authorization_code', code, code_verifier: verifier, ...client })
  if (answer.status !== 200) throw new Error(JSON.stringify(answer))
  return String(answer.json.access_token)
}

async function meetOwner() {
  const person = meetFormPerson({ issuer: stack.issuer, mailboxUrl: stack.mailbox.url })
  const token = await tokenFor(person, `${stack.issuer}/api`, 'servers:read servers:write keys:write')
  const [row] = await stack.query('select account_id from mcp_data.accounts where email = $1', [person.email])
  return { token, email: person.email, user_id: String(row?.account_id) }
}

async function register(more: object = {}, token?: string): Promise<Record<string, string>> {
  const server_url = `http://localhost:9999/${crypto.randomUUID()}/mcp`
  const body = { server_url, server_name: 'Races', scopes: ['files:read'], ...more }
  const { status, json } = await api('POST', '/api/servers', token, body)
  if (status !== 201) throw new Error(JSON.stringify(json))
  return json as Record<string, string>
}

/** The statuses of calls that are made at once, counted. */
async function statusesOf(calls: readonly Promise<Answer>[]): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (const { status } of await Promise.all(calls)) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

const ownerOf = async (server_id: unknown) =>
  (await stack.query('select owner_account_id from mcp_data.servers where server_id = $1', [server_id]))[0]
    ?.owner_account_id

const eventsOf = async (server_id: unknown, event: string) =>
  (
    await stack.query('select count(*)::integer as n from mcp_data.audit_events where server_id = $1 and event = $2', [
      server_id,
      event,
    ])
  )[0]?.n

test('J2 twenty that accept one server at once: one gets it, and the token it waited with is worth nothing', async () => {
  const heir = await meetOwner()
  await eachRound(async () => {
    const { server_id, management_token } = await register({ user_id: heir.user_id })
    const path = `/api/servers/${server_id}`
    const accepts = Array.from({ length: callers }, () => api('POST', `${path}/accept`, heir.token, {}))
    expect(await statusesOf(accepts)).toEqual({ 200: 1, 404: callers - 1 })
    expect(await ownerOf(server_id)).toBe(heir.user_id)
    expect(await eventsOf(server_id, 'server.accepted')).toBe(1)
    expect((await api('PATCH', path, management_token, { server_name: 'Mine' })).status).toBe(401)
    expect((await api('PATCH', path, heir.token, { server_name: 'Mine' })).status).toBe(200)
  })
})

test('J2 accepting, declining, taking back and offering to another at once: one owner afterwards, and nobody half', async () => {
  const [owner, heir, other] = [await meetOwner(), await meetOwner(), await meetOwner()]
  await eachRound(async () => {
    const { server_id } = await register({}, owner.token)
    const path = `/api/servers/${server_id}`
    await api('PUT', `${path}/offer`, owner.token, { email: heir.email })
    const acts = [
      () => api('POST', `${path}/accept`, heir.token, {}),
      () => api('POST', `${path}/decline`, heir.token),
      () => api('DELETE', `${path}/offer`, owner.token),
      () => api('PUT', `${path}/offer`, owner.token, { email: other.email }),
    ]
    const answers = await Promise.all(
      Array.from({ length: callers }, async (_, caller) => ({ caller, ...(await acts[caller % 4]?.()) })),
    )
    const accepted = answers.filter(({ caller, status }) => caller % 4 === 0 && status === 200)
    expect(accepted.length).toBeLessThanOrEqual(1)
    expect(await ownerOf(server_id)).toBe(accepted.length === 1 ? heir.user_id : owner.user_id)
    expect(await eventsOf(server_id, 'server.accepted')).toBe(accepted.length)
    const mine = await Promise.all(
      [owner, heir, other].map(({ token }) => api('PATCH', path, token, { description: 'x' })),
    )
    const holders = mine.filter(({ status }) => status === 200)
    expect(holders).toHaveLength(1)
    // Whatever was offered before the hand-over is not offered by its new owner.
    if (accepted.length === 1) expect(holders[0]?.json).not.toHaveProperty('offered_to')
  })
})

test('H7 revoking a key while eighteen callers introspect with it: what begins after the answer is refused', async () => {
  const person = meetFormPerson({ issuer: stack.issuer, mailboxUrl: stack.mailbox.url })
  const server = await register()
  const token = await tokenFor(person, server.server_url ?? '')
  const path = `/api/servers/${server.server_id}/keys`
  await eachRound(async () => {
    const made = await api('POST', path, server.management_token, { name: 'racing' })
    const key = String(made.json.key_secret)
    const introspect = () => form('/introspect', { token }, { authorization: `Bearer ${key}` })
    expect(await introspect()).toMatchObject({ status: 200, json: { active: true } })
    let isRevoked = false
    const revoke = async () => {
      const { status } = await api('DELETE', `${path}/${made.json.key_id}`, server.management_token)
      expect(status).toBe(204)
      isRevoked = true
    }
    const ask = async (): Promise<void> => {
      for (let tries = 0; tries < 3; tries += 1) {
        const isLate = isRevoked
        const { status, json } = await introspect()
        if (isLate) expect(status).toBe(401)
        else expect(status === 401 || json.active === true, `status ${status}`).toBe(true)
      }
    }
    await Promise.all(Array.from({ length: callers }, (_, caller) => (caller % 10 === 5 ? revoke() : ask())))
    expect((await introspect()).status).toBe(401)
    expect(await eventsOf(server.server_id, 'key.revoked')).toBeGreaterThan(0)
    const [row] = await stack.query(
      "select count(*)::integer as n from mcp_data.audit_events where event = 'key.revoked' and detail->>'key_id' = $1",
      [made.json.key_id],
    )
    expect(row?.n).toBe(1)
  })
})
