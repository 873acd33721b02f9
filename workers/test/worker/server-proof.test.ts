import { describe, expect, it } from 'vitest'
import { host, hostJson, hostUrl, requestsFor } from '../support/worker/document-host.ts'
import { connect, house, introspect, isActive, type Owner, openServer, refresh } from '../support/worker/flow.ts'
import { openHouse } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { callApi, type Json, ownerToken } from './api-requests.ts'
import { mailsTo } from './mails.ts'
import { authorizeUrl } from './requests.ts'

const LIMITS = '{"document_calls_per_host":1000,"document_failures_per_host":1000}'
const variables = { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS }
const development = openHouse({ variables })

/** A server at a host of this test's, its URL not proven: on loopback nobody else makes one wait. */
async function pendingServer(server_url = hostUrl(`/${crypto.randomUUID()}/mcp`)): Promise<Owner> {
  const held = await sql(
    "update mcp_data.servers set status = 'pending' where server_url = $1 and status = 'verified' returning server_id",
    [server_url],
  )
  const owner = await openServer(undefined, { server_url })
  await wait(owner.server_id)
  for (const { server_id } of held) {
    await sql("update mcp_data.servers set status = 'verified' where server_id = $1", [server_id])
  }
  return owner
}

const wait = (server_id: string) =>
  sql("update mcp_data.servers set status = 'pending', verified_at = null where server_id = $1", [server_id])

/** As if a minute had gone by since the last try. */
const minuteLater = () =>
  sql(
    "update mcp_data.limits set hits = array(select h - interval '61 seconds' from unnest(hits) h) where kind = 'server_proof'",
  )

const placeOf = ({ server_url }: Pick<Owner, 'server_url'>) =>
  `/.well-known/oauth-protected-resource${new URL(server_url).pathname}`

const proofOf = ({ server_id, server_url }: Pick<Owner, 'server_id' | 'server_url'>): Json => ({
  resource: server_url,
  authorization_servers: [house.issuer],
  auth_agent_server_id: server_id,
})

function verify({ server_id, management_token }: Owner, at = development) {
  const headers = { authorization: `Bearer ${management_token}` }
  return at.send(`/api/servers/${server_id}/verify`, { method: 'POST', headers })
}

async function authorizeError({ server_url }: Owner): Promise<URLSearchParams> {
  const answer = await development.send(authorizeUrl({ resource: server_url }).href)
  return new URL(answer.headers.get('location') ?? 'http://none/').searchParams
}

const eventsOf = async ({ server_id }: Owner): Promise<Record<string, unknown>[]> =>
  sql('select event, reason, detail from mcp_data.audit_events where server_id = $1 order by occurred_at', [server_id])

describe('the proof of a server’s URL', () => {
  it('J8 J9 is the document at its path-inserted well-known URL that names this registration', async () => {
    const owner = await pendingServer()
    await hostJson(placeOf(owner), proofOf(owner))
    const metadata_url = hostUrl(placeOf(owner))
    expect((await verify(owner)).json).toEqual({
      server_id: owner.server_id,
      status: 'verified',
      verified: true,
      metadata_url,
    })
    expect((await verify(owner)).json).toEqual({ server_id: owner.server_id, status: 'verified', verified: true })
    expect(await requestsFor(placeOf(owner))).toHaveLength(1)
    const { access_token } = await connect(owner)
    expect(await isActive(owner, access_token)).toBe(true)
  })

  it('J8 is tried by itself at the first authorization, and then nobody is asked to wait', async () => {
    const owner = await pendingServer()
    await hostJson(placeOf(owner), proofOf(owner))
    const answer = await development.send(authorizeUrl({ resource: owner.server_url }).href)
    expect(answer.status).toBe(200)
    expect(await eventsOf(owner)).toContainEqual({ event: 'server.verified', reason: 'document', detail: {} })
  })

  it('J8 is tried at most once a minute, and an authorization is told what was seen', async () => {
    const owner = await pendingServer()
    const first = await authorizeError(owner)
    expect(first.get('error')).toBe('invalid_target')
    expect(first.get('error_description')).toBe(
      `The server registered for this resource has not proven that it owns the URL. We fetched ${hostUrl(placeOf(owner))}: status 404, expected 200`,
    )
    expect(development.lines.at(-1)).toMatchObject({
      reason: 'resource_unverified',
      cause: expect.stringContaining('status 404, expected 200'),
    })
    const second = await authorizeError(owner)
    expect(second.get('error')).toBe('invalid_target')
    expect(second.get('error_description')).not.toContain('We fetched')
    expect(await requestsFor(placeOf(owner))).toHaveLength(1)
    const beganMs = Date.now()
    expect((await verify(owner)).json).toMatchObject({ verified: false })
    const tooSoon = await verify(owner)
    const sinceSeconds = (Date.now() - beganMs) / 1_000
    const waitSeconds = Number(tooSoon.headers.get('retry-after'))
    expect([tooSoon.status, waitSeconds <= 60, waitSeconds >= 60 - sinceSeconds]).toEqual([429, true, true])
    expect(await requestsFor(placeOf(owner))).toHaveLength(2)
    await minuteLater()
    await hostJson(placeOf(owner), proofOf(owner))
    expect((await development.send(authorizeUrl({ resource: owner.server_url }).href)).status).toBe(200)
  })

  type Case = readonly [row: string, what: string, seen: (owner: Owner) => string, at: (owner: Owner) => Promise<void>]
  const document =
    (change: Json) =>
    (owner: Owner): Promise<void> =>
      hostJson(placeOf(owner), { ...proofOf(owner), ...change })
  const answer =
    (hosted: Parameters<typeof host>[1]) =>
    (owner: Owner): Promise<void> =>
      host(placeOf(owner), hosted)
  const other = `srv_${'a'.repeat(22)}`
  const cases: readonly Case[] = [
    ['J8', 'nothing', () => 'status 404, expected 200', async () => {}],
    ['J12', 'a redirect', () => 'status 302, expected 200', answer({ status: 302, headers: { location: '/x' } })],
    [
      'J12',
      'HTML',
      () => 'status 200; its Content-Type is text/html: serve it as application/json',
      answer({ headers: { 'content-type': 'text/html' }, body: '<p>' }),
    ],
    [
      'J12',
      'too much',
      () => 'status 200; it is larger than 65536 bytes',
      answer({ headers: { 'content-type': 'application/json' }, body: `"${'x'.repeat(65_536)}"` }),
    ],
    [
      'J12',
      'no JSON',
      () => 'status 200; the document is not JSON in UTF-8',
      answer({ headers: { 'content-type': 'application/json' }, body: '<p>' }),
    ],
    [
      'J12',
      'no object',
      () => 'status 200; the document was not a JSON object',
      answer({ headers: { 'content-type': 'application/json' }, body: '[1]' }),
    ],
    [
      'J13',
      'the document of another path',
      ({ server_url }) => `status 200; resource was "${server_url}/b", expected "${server_url}"`,
      (owner) => hostJson(placeOf(owner), { ...proofOf(owner), resource: `${owner.server_url}/b` }),
    ],
    [
      'J13',
      'the bare origin',
      ({ server_url }) => `status 200; resource was "${new URL(server_url).origin}", expected "${server_url}"`,
      (owner) => hostJson(placeOf(owner), { ...proofOf(owner), resource: new URL(owner.server_url).origin }),
    ],
    [
      'J9',
      'another registration',
      ({ server_id }) => `status 200; auth_agent_server_id was "${other}", expected "${server_id}"`,
      document({ auth_agent_server_id: other }),
    ],
    [
      'J9',
      'no registration, and another issuer',
      ({ server_id }) =>
        `status 200; authorization_servers was ["https://evil.example"], expected an array with "${house.issuer}"; auth_agent_server_id was absent, expected "${server_id}"`,
      document({ authorization_servers: ['https://evil.example'], auth_agent_server_id: undefined }),
    ],
  ]

  it.each(cases)('%s fails on %s, and says so word for word', async (_row, _what, seen, publish) => {
    const owner = await pendingServer()
    await publish(owner)
    const metadata_url = hostUrl(placeOf(owner))
    const words = `We fetched ${metadata_url}: ${seen(owner)}`
    const { status, json } = await verify(owner)
    expect([status, json]).toEqual([
      200,
      { server_id: owner.server_id, verified: false, metadata_url, seen: words, expected: proofOf(owner) },
    ])
    expect(await eventsOf(owner)).toContainEqual({
      event: 'document.fetch_failed',
      reason: 'server_proof_failed',
      detail: { seen: words },
    })
    expect(await requestsFor(placeOf(owner))).toHaveLength(1)
    expect((await authorizeError(owner)).get('error')).toBe('invalid_target')
  })

  it('J13 proves its own path alone: neither a neighbour nor the origin', async () => {
    const owner = await pendingServer()
    const neighbour = await pendingServer(owner.server_url.replace('/mcp', '/b/mcp'))
    await hostJson(placeOf(owner), proofOf(owner))
    await hostJson(placeOf(neighbour), proofOf(owner))
    expect((await verify(owner)).json).toMatchObject({ verified: true })
    expect((await verify(neighbour)).json).toMatchObject({ verified: false })
  })

  it('J3 is asked for by its owner alone', async () => {
    const owner = await pendingServer()
    const stranger = await pendingServer()
    await hostJson(placeOf(owner), proofOf(owner))
    const foreign = { ...owner, management_token: stranger.management_token }
    expect(await verify(foreign)).toMatchObject({ status: 404 })
    expect(await development.send(`/api/servers/${owner.server_id}/verify`, { method: 'POST' })).toMatchObject({
      status: 401,
    })
    expect(await requestsFor(placeOf(owner))).toEqual([])
  })
})

describe('a URL that two claim', () => {
  it('J10 stays with its holder while the holder’s own proof stands; the holder learns of the claim', async () => {
    const holder = await pendingServer()
    await hostJson(placeOf(holder), proofOf(holder))
    await verify(holder)
    const claimant = await pendingServer(holder.server_url)
    expect((await verify(claimant)).json).toMatchObject({
      verified: false,
      seen: expect.stringContaining(`auth_agent_server_id was "${holder.server_id}", expected "${claimant.server_id}"`),
    })
    expect(await eventsOf(holder)).toContainEqual({
      event: 'server.contested',
      reason: null,
      detail: { by: claimant.server_id },
    })
    const { access_token } = await connect(holder)
    expect(await isActive(holder, access_token)).toBe(true)
  })

  it('J10 goes to the claimant whose proof stands when the holder’s fails: keys and connections end, both are told', async () => {
    const holder = await pendingServer()
    await hostJson(placeOf(holder), proofOf(holder))
    await verify(holder)
    const tokens = await connect(holder)
    const claimant = await pendingServer(holder.server_url)
    await hostJson(placeOf(claimant), proofOf(claimant))
    expect((await verify(claimant)).json).toMatchObject({
      status: 'verified',
      verified: true,
      taken_over_from: holder.server_id,
    })
    expect((await introspect(holder, tokens.access_token)).status).toBe(401)
    expect((await introspect(claimant, tokens.access_token)).json).toEqual({ active: false })
    expect((await refresh(tokens.refresh_token)).json?.error).toBe('invalid_grant')
    expect((await callApi('GET', `/api/servers/${holder.server_id}`, holder.management_token)).json).toMatchObject({
      status: 'suspended',
      verification: { required: true },
    })
    expect(await eventsOf(holder)).toContainEqual({
      event: 'server.suspended',
      reason: 'taken_over',
      detail: { by: claimant.server_id },
    })
    expect(await eventsOf(claimant)).toContainEqual({
      event: 'server.verified',
      reason: 'taken_over',
      detail: { from: holder.server_id },
    })
    expect(await isActive(claimant, (await connect(claimant)).access_token)).toBe(true)
  })

  it('J10 tells both owners by mail where accounts own the servers, in words that nobody else chose', async () => {
    const [one, two] = [await ownedServer(), await ownedServer()]
    const server_url = hostUrl(`/${crypto.randomUUID()}/mcp`)
    for (const { server_id } of [one, two]) {
      await sql('update mcp_data.servers set server_url = $2 where server_id = $1', [server_id, server_url])
    }
    for (const { server_id, token } of [one, two]) {
      await hostJson(placeOf({ server_url }), proofOf({ server_id, server_url }))
      const headers = { authorization: `Bearer ${token}` }
      const answer = await development.send(`/api/servers/${server_id}/verify`, { method: 'POST', headers })
      expect(answer.json).toMatchObject({ verified: true })
    }
    const [[lost], [gained]] = [await mailsTo(one.email), await mailsTo(two.email)]
    expect(lost?.subject).toBe('Another registration holds the URL of your MCP server')
    expect(gained?.subject).toBe('Your registration holds the URL of your MCP server now')
    for (const mail of [lost, gained]) {
      for (const fact of [server_url, one.server_id, two.server_id, 'localhost:9400']) {
        expect(mail?.text).toContain(fact)
      }
      expect(mail?.text).not.toMatch(/Team files|\{/)
    }
  })

  it('J10 comes back to who lost it, once that proof stands again; the old keys stay dead', async () => {
    const first = await pendingServer()
    await hostJson(placeOf(first), proofOf(first))
    await verify(first)
    const { access_token } = await connect(first)
    const second = await pendingServer(first.server_url)
    await hostJson(placeOf(second), proofOf(second))
    await verify(second)
    await hostJson(placeOf(first), proofOf(first))
    await minuteLater()
    expect((await verify(first)).json).toMatchObject({ verified: true, taken_over_from: second.server_id })
    expect((await introspect(first, access_token)).status).toBe(401)
  })
})

/** A server that an account owns, waiting for its proof. */
async function ownedServer() {
  const token = await ownerToken()
  const server_url = `http://localhost:9401/${crypto.randomUUID()}/mcp`
  const { json } = await callApi('POST', '/api/servers', token, {
    server_url,
    server_name: 'Team files',
    scopes: ['files:read'],
  })
  const server_id = String(json.server_id)
  await wait(server_id)
  const [account] = await sql(
    'select a.email from mcp_data.accounts a join mcp_data.servers s on s.owner_account_id = a.account_id where s.server_id = $1',
    [server_id],
  )
  return { server_id, token, email: String(account?.email) }
}
