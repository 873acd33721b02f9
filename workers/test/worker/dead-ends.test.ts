import { beforeAll, describe, expect, it } from 'vitest'
import { reasons } from '../../src/protocol/reasons.ts'
import { exchange, form, openServer, registerClient } from '../support/worker/flow.ts'
import { type Answer, openHouse } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { authorizeUrl, type Fields, type Registered, registerServer } from './requests.ts'
import { meetVisitor, type Visitor } from './visitor.ts'

const house = openHouse()
let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

type Page = Pick<Answer, 'status' | 'headers' | 'text'>

/** A page that names its cause, a way out, and a reference, which is the one of the log line (HTTP-API "Conventions"). */
function expectExplained(page: Page, reason: keyof typeof reasons, status = 400): void {
  const reference = page.headers.get('x-request-id') ?? ''
  const { title, what_to_do } = reasons[reason]
  expect([page.status, page.headers.get('location')]).toEqual([status, null])
  expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  const text = page.text.replaceAll('&#39;', "'")
  for (const part of [title, what_to_do, `/errors#${reason}`, `<code>${reference}</code>`]) expect(text).toContain(part)
  const line = house.lines.find((one) => 'request_id' in one && one.request_id === reference)
  expect(line).toMatchObject({ request_id: reference, reason, status })
}

const ask = (fields: Fields, headers: Readonly<Record<string, string>> = {}) =>
  house.send(authorizeUrl({ resource: server.server_url, ...fields }).href, { headers })

async function register(redirect_uris: readonly string[], client_name = 'Some tool'): Promise<string> {
  const body = JSON.stringify({ client_name, redirect_uris, token_endpoint_auth_method: 'none' })
  const answer = await house.send('/register', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  return String(answer.json?.client_id)
}

/** Nothing is known yet but a request: it leaves a log line and no event (SECURITY §28). */
async function eventsOfRequest(page: Page): Promise<readonly Record<string, unknown>[]> {
  const text = 'select event, reason, client_id from mcp_data.audit_events where request_id = $1'
  return sql(text, [page.headers.get('x-request-id')])
}

describe('a dead end before anything is known of the request', () => {
  it('names the cause where the client is unknown, with nothing written', async () => {
    const page = await ask({ client_id: 'client_nobody' })
    expectExplained(page, 'client_unknown')
    expect(await eventsOfRequest(page)).toEqual([])
  })

  it('is the OAuth error for a program that looks at its link before its person does (INTEROP 4.6)', async () => {
    const told = await ask({ client_id: 'client_nobody' }, { accept: 'application/json' })
    expect([told.status, told.json?.error]).toEqual([401, 'invalid_client'])
    expect(told.json?.error_uri).toContain('#client_unknown')
    const shown = await ask({ client_id: 'client_nobody' }, { accept: 'text/html,application/json;q=0.9' })
    expectExplained(shown, 'client_unknown')
  })

  it('names the cause where a client was blocked: a row, and one that registered itself', async () => {
    const row = await registerClient()
    await sql('update mcp_data.clients set blocked_at = now() where client_id = $1', [row])
    expectExplained(await ask({ client_id: row }), 'client_blocked', 403)
    const dynamic = await register(['http://localhost/callback'], 'Blocked tool')
    await sql(
      "insert into mcp_data.blocked_clients (client_id_digest, reason) values (sha256(convert_to($1, 'UTF8')), 'abuse')",
      [dynamic],
    )
    expectExplained(await ask({ client_id: dynamic }), 'client_blocked', 403)
  })

  it('names the cause where the redirect URI is not the client’s, or none at all', async () => {
    expectExplained(await ask({ redirect_uri: 'http://localhost:51004/other' }), 'redirect_uri_mismatch')
    expectExplained(await ask({ redirect_uri: 'http://evil.example/callback' }), 'redirect_uri_malformed')
    expectExplained(await ask({ redirect_uri: undefined }), 'redirect_uri_missing')
  })
})

describe('a dead end that the client is told', () => {
  const pending = async () => {
    const owner = await openServer()
    await sql("update mcp_data.servers set status = 'pending' where server_id = $1", [owner.server_id])
    return owner.server_url
  }

  it('is our page with cause, way out, reference and a link where nobody vouches for the redirect (SECURITY §12)', async () => {
    const redirect_uri = 'https://app.example.net/cb'
    const client_id = await register([redirect_uri])
    for (const [resource, reason] of [
      ['http://localhost:9401/nowhere', 'resource_unknown'],
      [await pending(), 'resource_unverified'],
    ] as const) {
      const page = await ask({ client_id, redirect_uri, resource })
      expectExplained(page, reason)
      expect(page.text).toMatch(/href="https:\/\/app\.example\.net\/cb\?error=invalid_target[^"]*state=a-state/)
    }
  })

  it('goes to a loopback client with the page that explains it, which shows the reference (RFC 6749 §4.1.2.1)', async () => {
    for (const [resource, reason] of [
      ['http://localhost:9401/nowhere', 'resource_unknown'],
      [await pending(), 'resource_unverified'],
    ] as const) {
      const answer = await ask({ resource })
      const reference = answer.headers.get('x-request-id')
      const location = new URL(answer.headers.get('location') ?? '')
      expect([answer.status, location.searchParams.get('error')]).toEqual([303, 'invalid_target'])
      const explained = new URL(location.searchParams.get('error_uri') ?? '')
      const { text } = await house.send(`${explained.pathname}${explained.search}`)
      expect(explained.hash).toBe(`#${reason}`)
      for (const part of [`id="${reason}"`, reasons[reason].what_to_do, `<code>${reference}</code>`]) {
        expect(text).toContain(part)
      }
      expect(house.lines).toContainEqual(expect.objectContaining({ request_id: reference, reason, status: 303 }))
    }
  })

  it('shows no reference that is not one of ours', async () => {
    for (const reference of ['req_short', '<b>req</b>', `req_${'a'.repeat(17)}`]) {
      const { text } = await house.send(`/errors?reference=${encodeURIComponent(reference)}`)
      expect(text).not.toContain('pinned">')
      expect(text).not.toContain('req_')
    }
  })
})

describe('a dead end of a transaction', () => {
  async function atConsent(client_id?: string) {
    const visitor = meetVisitor()
    const start = authorizeUrl({ resource: server.server_url, ...(client_id !== undefined && { client_id }) })
    return { visitor, consent: await visitor.signIn(await visitor.open(start)) }
  }
  const cookieOf = (visitor: Visitor) => [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const expire = (transaction: string) =>
    sql("update mcp_data.transactions set expires_at = created_at + interval '1 ms' where transaction_id = $1", [
      transaction,
    ])

  it('A30 names the cause of an expired page, and its reference is in log line and event, whether read or sent', async () => {
    const { visitor, consent } = await atConsent()
    const fields = Object.fromEntries(
      [...consent.text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
        name,
        value,
      ]),
    ) as Record<string, string>
    await expire(fields.transaction ?? '')
    const cookie = cookieOf(visitor)
    const reads = await house.send(`/consent?transaction=${fields.transaction}`, { headers: { cookie } })
    const posted = form({ ...fields, decision: 'approve' }, { cookie, origin: house.issuer })
    for (const page of [reads, await house.send('/consent', posted)]) {
      expectExplained(page, 'transaction_expired')
      expect(await eventsOfRequest(page)).toEqual([
        { event: 'authorization.failed', reason: 'transaction_expired', client_id: 'client_claude_code' },
      ])
    }
  })

  it('names the cause where the client was blocked while the person was reading (M12)', async () => {
    const client_id = await registerClient()
    const { visitor, consent } = await atConsent(client_id)
    await sql('update mcp_data.clients set blocked_at = now() where client_id = $1', [client_id])
    const page = await visitor.submit(consent, '/consent', { decision: 'approve', scope: ['files:read'] })
    expect([page.status, page.location]).toEqual([403, null])
    for (const part of [reasons.client_blocked.title, 'client_blocked', page.headers.get('x-request-id')]) {
      expect(page.text).toContain(part)
    }
    expect(await eventsOfRequest(page)).toEqual([
      { event: 'authorization.failed', reason: 'client_blocked', client_id },
    ])
  })
})

describe('the token endpoint', () => {
  const dead = { code: `mac_${'A'.repeat(22)}.${'A'.repeat(43)}`, verifier: 'v'.repeat(43) }

  it('says invalid_client with 401 only when the client is really unknown (INTEROP 4.6)', async () => {
    const answer = await exchange(dead, { client_id: 'client_nobody' }, house)
    expect([answer.status, answer.json?.error]).toEqual([401, 'invalid_client'])
  })

  it('M12 says invalid_grant for a blocked client, in an isolate that never saw it as in one that did', async () => {
    const client_id = await registerClient()
    await sql('update mcp_data.clients set blocked_at = now() where client_id = $1', [client_id])
    const answer = await exchange(dead, { client_id }, house)
    expect([answer.status, answer.json?.error]).toEqual([400, 'invalid_grant'])
    expect(answer.json?.error_uri).toContain('#connection_client_blocked')
  })

  it('says 503 with Retry-After where a metadata document or its keys cannot be fetched (INTEROP 4.6)', async () => {
    const down = () => Promise.resolve({ outcome: 'unavailable', detail: 'closed' } as const)
    const silent = openHouse({ dependencies: { clientDocuments: { read: down, readAgain: down } } })
    const answer = await exchange(dead, { client_id: 'https://app.example.net/client.json' }, silent)
    expect([answer.status, answer.json?.error]).toEqual([503, 'temporarily_unavailable'])
    expect(answer.headers.get('retry-after')).toBe('60')
    const page = await silent.send(authorizeUrl({ client_id: 'https://app.example.net/client.json' }).href)
    expect([page.status, page.headers.get('location')]).toEqual([400, null])
  })
})
