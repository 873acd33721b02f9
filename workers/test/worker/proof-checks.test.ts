import { describe, expect, it } from 'vitest'
import { runProofChecks } from '../../src/proof-checks.ts'
import { runScheduled } from '../../src/scheduled.ts'
import { withCallHook } from '../../src/store/client.ts'
import { hostJson, hostUrl, requestsFor } from '../support/worker/document-host.ts'
import { connect, introspect, openServer } from '../support/worker/flow.ts'
import { brokenStore, openHouse } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { callApi, meetOwner } from './api-requests.ts'
import { mailsTo } from './mails.ts'

const LIMITS = '{"document_calls_per_host":1000,"document_failures_per_host":1000}'
const variables = { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS, DNS_RESOLVER_URL: hostUrl('/dns-query') }
const house = openHouse({ variables })
const record = '/dns-query?name=_auth-agent.localhost&type=TXT'

/** What the resolver says of the host of all servers here. */
const publish = (...texts: string[]) =>
  hostJson(record, { Status: 0, Answer: texts.map((text) => ({ type: 16, data: `"${text}"` })) })

/** A name, because an address has no text record. */
const namedUrl = (path: string) => hostUrl(path).replace('127.0.0.1', 'localhost')

/** A server that waits for its proof, at a path of its own. */
async function pendingServer(server_url = namedUrl(`/${crypto.randomUUID()}/mcp`)) {
  await sql("update mcp_data.servers set status = 'pending' where server_url = $1", [server_url])
  const owner = await openServer(undefined, { server_url })
  await sql(
    "update mcp_data.servers set status = 'pending', verified_at = null, proof_method = null where server_url = $1",
    [server_url],
  )
  return owner
}

async function verify(
  { server_id, management_token }: { server_id: string; management_token: string },
  at: typeof house = house,
) {
  const headers = { authorization: `Bearer ${management_token}` }
  return at.send(`/api/servers/${server_id}/verify`, { method: 'POST', headers })
}

/** As if a minute had gone by since the last try. */
const minuteLater = () => sql("delete from mcp_data.limits where kind = 'server_proof'")

const documentOf = (server_url: string) => `/.well-known/oauth-protected-resource${new URL(server_url).pathname}`
const prove = ({ server_id, server_url }: { server_id: string; server_url: string }) =>
  hostJson(documentOf(server_url), {
    resource: server_url,
    authorization_servers: [house.issuer],
    auth_agent_server_id: server_id,
  })

describe('a text record in the DNS', () => {
  it('J8 J13 proves every URL of its host, for the registrations that it names', async () => {
    const [one, two, other] = [await pendingServer(), await pendingServer(), await pendingServer()]
    await publish('v=spf1 -all', one.server_id, two.server_id)
    expect((await verify(one)).json).toMatchObject({ verified: true, status: 'verified' })
    expect((await verify(two)).json).toMatchObject({ verified: true })
    const failed = (await verify(other)).json
    expect(failed).toMatchObject({ verified: false })
    expect(failed?.seen).toBe(
      `We fetched ${namedUrl(documentOf(other.server_url))}: status 404, expected 200. We asked for TXT _auth-agent.localhost: "v=spf1 -all", "${one.server_id}", "${two.server_id}", expected "${other.server_id}"`,
    )
    const { json } = await callApi('GET', `/api/servers/${one.server_id}`, one.management_token)
    expect(json.proof).toMatchObject({ method: 'dns', seen: expect.stringContaining('We asked for TXT') })
  })

  it('J8 counts at an authorization too, where the document names nobody', async () => {
    const owner = await pendingServer()
    await publish(owner.server_id)
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'client_claude_code',
      redirect_uri: 'http://localhost:51004/callback',
      code_challenge: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
      code_challenge_method: 'S256',
      resource: owner.server_url,
    })
    expect((await house.send(`/authorize?${query.toString()}`)).status).toBe(200)
  })

  it('J10 a holder whose record still stands keeps its URL, whatever the document says', async () => {
    const holder = await pendingServer()
    await publish(holder.server_id)
    await verify(holder)
    const server_url = holder.server_url
    await sql("update mcp_data.servers set status = 'pending' where server_id = $1", [holder.server_id])
    const claimant = await openServer(undefined, { server_url })
    await sql("update mcp_data.servers set status = 'pending', verified_at = null where server_id = $1", [
      claimant.server_id,
    ])
    await sql(
      "update mcp_data.servers set status = 'verified', verified_at = now() - interval '1 hour' where server_id = $1",
      [holder.server_id],
    )
    await prove(claimant)
    expect((await verify(claimant)).json).toMatchObject({
      verified: false,
      seen: expect.stringContaining('another registration holds this URL, and its own proof has not failed'),
    })
    // Nobody can say now whether the record still stands: the resolver, or the servers of the name, do not answer.
    for (const DNS_RESOLVER_URL of [hostUrl('/no-resolver'), hostUrl('/dns-query')]) {
      await hostJson(record, { Status: 2 })
      await minuteLater()
      const lame = openHouse({ variables: { ...variables, DNS_RESOLVER_URL } })
      expect((await verify(claimant, lame)).json).toMatchObject({ verified: false })
    }
    await publish()
    await minuteLater()
    expect((await verify(claimant)).json).toMatchObject({ verified: true, taken_over_from: holder.server_id })
  })

  it('is not offered where no resolver is configured', async () => {
    const owner = await pendingServer()
    const read = (at: typeof house) =>
      at.send(`/api/servers/${owner.server_id}`, { headers: { authorization: `Bearer ${owner.management_token}` } })
    expect((await read(house)).json?.verification).toHaveProperty('dns_txt')
    expect((await read(openHouse())).json?.verification).not.toHaveProperty('dns_txt')
  })
})

describe('two tries at once', () => {
  /** A Worker of which a try takes so long that all this happens after it has seen what it sees. */
  const slow = (meanwhile: () => Promise<unknown>) =>
    openHouse({
      variables,
      dependencies: {
        readServerProof: async (place) => {
          const seen = await house.dependencies.readServerProof(place)
          await minuteLater()
          await meanwhile()
          return seen
        },
      },
    })
  const read = async ({ server_id, management_token }: Awaited<ReturnType<typeof pendingServer>>) =>
    (await callApi('GET', `/api/servers/${server_id}`, management_token)).json

  it('J8 the failure of an older one does not touch what a later one has proven', async () => {
    await publish()
    const server = await pendingServer()
    const mend = async () => {
      await prove(server)
      expect((await verify(server)).json).toMatchObject({ verified: true })
    }
    expect((await verify(server, slow(mend))).json).toMatchObject({ verified: false })
    const { status, proof } = await read(server)
    expect([status, proof]).toEqual(['verified', expect.not.objectContaining({ failing_since: expect.anything() })])
    expect(proof).toMatchObject({ seen: expect.not.stringContaining('404') })
  })

  it('J8 the success of an older one does not prove what a later one has seen fail', async () => {
    const server = await pendingServer()
    await prove(server)
    const spoil = async () => {
      await hostJson(documentOf(server.server_url), {})
      expect((await verify(server)).json).toMatchObject({ verified: false })
    }
    expect((await verify(server, slow(spoil))).json).toMatchObject({
      verified: false,
      seen: expect.stringContaining('the proof was tried again meanwhile, and the later try counts'),
    })
    expect(await read(server)).toMatchObject({
      status: 'pending',
      proof: { seen: expect.stringContaining('resource was absent') },
    })
  })

  it('J8 the success of an older one at an authorization does not prove it either', async () => {
    const server = await pendingServer()
    await prove(server)
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'client_claude_code',
      redirect_uri: 'http://localhost:51004/callback',
      code_challenge: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
      code_challenge_method: 'S256',
      resource: server.server_url,
    })
    const spoil = async () => {
      await hostJson(documentOf(server.server_url), {})
      await verify(server)
    }
    const answer = await slow(spoil).send(`/authorize?${query.toString()}`)
    expect(answer.status).not.toBe(200)
    expect(await read(server)).toMatchObject({ status: 'pending' })
  })
})

describe('the scheduled look at proofs', () => {
  const age = (server_id: string, ago: string) =>
    sql(
      `update mcp_data.servers set proof_checked_at = proof_checked_at - interval '${ago}', proof_failing_since = proof_failing_since - interval '${ago}' where server_id = $1`,
      [server_id],
    )
  const statusOf = async (server_id: string, token: string) =>
    (await callApi('GET', `/api/servers/${server_id}`, token)).json

  /** A proven server that an account holds. */
  async function owned() {
    await publish()
    const owner = await meetOwner()
    const server = await pendingServer()
    await prove(server)
    await verify(server)
    await sql('update mcp_data.servers set owner_account_id = $2 where server_id = $1', [
      server.server_id,
      owner.user_id,
    ])
    return { ...server, ...owner }
  }

  it('J11 looks once a week, daily while it fails, tells the owner, and suspends after seven failing days', async () => {
    const server = await owned()
    const tokens = await connect(server)
    await runProofChecks(house.dependencies)
    expect(await requestsFor(documentOf(server.server_url))).toHaveLength(1)
    await age(server.server_id, '8 days')
    await hostJson(documentOf(server.server_url), {})
    await runProofChecks(house.dependencies)
    await runProofChecks(house.dependencies)
    expect(await requestsFor(documentOf(server.server_url))).toHaveLength(2)
    expect((await mailsTo(server.email))[0]?.subject).toBe('Your MCP server does not prove its URL any more')
    expect(await statusOf(server.server_id, server.token)).toMatchObject({
      status: 'verified',
      proof: { failing_since: expect.any(String), seen: expect.stringContaining('resource was absent') },
    })
    for (let day = 0; day < 7; day += 1) {
      await age(server.server_id, '25 hours')
      await runProofChecks(house.dependencies)
    }
    expect(await statusOf(server.server_id, server.token)).toMatchObject({ status: 'suspended' })
    expect((await introspect(server, tokens.access_token)).status).toBe(401)
    const mails = await mailsTo(server.email)
    expect(mails.slice(0, 2).map(({ subject }) => subject)).toEqual([
      'Your MCP server is suspended',
      'Your MCP server does not prove its URL any more',
    ])
    await prove(server)
    await minuteLater()
    expect((await verify(server)).json).toMatchObject({ verified: true })
  })

  it('J11 forgets failures once the proof stands again', async () => {
    const server = await owned()
    await age(server.server_id, '8 days')
    await hostJson(documentOf(server.server_url), {})
    await runProofChecks(house.dependencies)
    await prove(server)
    await age(server.server_id, '25 hours')
    await runProofChecks(house.dependencies)
    expect((await statusOf(server.server_id, server.token)).proof).not.toHaveProperty('failing_since')
  })

  it('J11 does not fail what its owner has mended and proven while it looked', async () => {
    const server = await owned()
    await age(server.server_id, '8 days')
    await hostJson(documentOf(server.server_url), {})
    await runProofChecks(house.dependencies)
    await age(server.server_id, '25 hours')
    await runProofChecks({
      ...house.dependencies,
      readServerProof: async (place) => {
        const seen = await house.dependencies.readServerProof(place)
        if (place.server_id !== server.server_id) return seen
        await prove(server)
        await minuteLater()
        expect((await verify(server)).json).toMatchObject({ verified: true })
        return seen
      },
    })
    expect(house.lines.at(-1)).toMatchObject({ job: 'proof_checks', rows: { superseded: 1 } })
    expect((await statusOf(server.server_id, server.token)).proof).not.toHaveProperty('failing_since')
  })

  it('J11 keeps what was seen also where the cut would halve a character, and goes on to the others', async () => {
    const servers = [await owned(), await owned()]
    for (const [place, server] of servers.entries()) {
      await age(server.server_id, '8 days')
      // With its quote in front, the last of 200 characters is the first half of one that is two in UTF-16.
      await hostJson(documentOf(server.server_url), { resource: place === 0 ? `${'a'.repeat(198)}\u{1f600}` : '' })
    }
    await runProofChecks(house.dependencies)
    for (const { server_id, token } of servers)
      expect((await statusOf(server_id, token)).proof).toHaveProperty('failing_since')
  })

  it('J11 counts a name whose own servers are broken as failing: the resolver says so', async () => {
    const server = await owned()
    await age(server.server_id, '8 days')
    await hostJson(documentOf(server.server_url), {})
    // RFC 1035 §4.1.1: 2 is a server failure.
    await hostJson(record, { Status: 2 })
    await runProofChecks(house.dependencies)
    expect((await statusOf(server.server_id, server.token)).proof).toMatchObject({
      failing_since: expect.any(String),
      seen: expect.stringContaining('We asked for TXT _auth-agent.localhost: the resolver answered code 2'),
    })
    await publish()
  })

  it('J11 takes no trouble of our own for the server’s: a resolver that is down, a budget that is spent', async () => {
    const server = await owned()
    await age(server.server_id, '8 days')
    await hostJson(documentOf(server.server_url), {})
    const lame = openHouse({ variables: { ...variables, DNS_RESOLVER_URL: hostUrl('/no-resolver') } })
    await runProofChecks(lame.dependencies)
    expect(lame.lines.at(-1)).toMatchObject({ job: 'proof_checks', rows: { unknown: expect.any(Number) } })
    expect((await statusOf(server.server_id, server.token)).proof).not.toHaveProperty('failing_since')
  })

  it('a job that fails does not keep the others from running', async () => {
    const calls: string[] = []
    const store = withCallHook(brokenStore, (name) => void calls.push(name))
    await expect(runScheduled({ ...house.dependencies, store })).rejects.toThrow('a scheduled job failed')
    expect(calls).toEqual(['clean_up', 'take_proof_checks', 'take_expiring_keys', 'take_webhook_messages'])
  })
})
