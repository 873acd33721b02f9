import { beforeEach, describe, expect, it } from 'vitest'
import {
  connectBy,
  development,
  newPath,
  newSigner,
  openDevelopment,
  proof,
  publish,
  stopClock,
} from '../support/worker/clients.ts'
import { host, hostUrl, requestsFor } from '../support/worker/document-host.ts'
import { exchange, house, refresh, tokensOf } from '../support/worker/flow.ts'
import { openHouse } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { authorizeUrl, redirectUri } from './requests.ts'
import { meetVisitor } from './visitor.ts'

const atHome = openDevelopment()

/** The page or redirect that an authorization request by this client leads to. */
const ask = (client_id: string, fields = {}, at = atHome) =>
  at.send(authorizeUrl({ client_id, scope: 'openid', ...fields }).href)

describe('a client ID metadata document', () => {
  it('connects a client nobody registered, which ignores grant types it does not know (MCP 2026-07-28)', async () => {
    const client_id = await publish({ grant_types: ['authorization_code', 'refresh_token', 'urn:x'] })
    const { consent, grant } = await connectBy(client_id)
    expect(consent.text).toContain('Desktop tool')
    expect(consent.text).toContain(new URL(hostUrl()).host)
    const tokens = tokensOf(await exchange(grant, { client_id }, atHome))
    expect((await refresh(tokens.refresh_token, { client_id }, atHome)).status).toBe(200)
    expect(await sql('select from mcp_data.clients where client_id = $1', [client_id])).toEqual([])
  })

  it('E13 with a loopback redirect is always asked about: a notice, the redirect’s host, and nothing remembered', async () => {
    const client_id = await publish()
    const { consent, grant, owner } = await connectBy(client_id)
    expect(consent.text).toContain(new URL(redirectUri).host)
    expect(consent.text).toMatch(/class="caution-text">[^<]+</)
    await exchange(grant, { client_id }, atHome)
    const again = await grant.visitor.open(authorizeUrl({ client_id, resource: owner.server_url }))
    expect([again.status, again.text.includes('name="decision"')]).toEqual([200, true])
  })

  it('is fetched once for many requests, with fixed headers and nothing of ours (E23)', async () => {
    const path = newPath()
    const client_id = await publish({}, path)
    for (let n = 0; n < 3; n++) expect((await ask(client_id, {})).status).toBe(200)
    const requests = await requestsFor(path)
    expect(requests).toHaveLength(1)
    const sent = Object.keys(requests[0]?.headers ?? {})
    // What the runtime adds of its own: where it connects, how it decodes, and that no cache may answer.
    const byRuntime = [
      'host',
      'accept-encoding',
      'cache-control',
      'pragma',
      'cf-connecting-ip',
      'cf-worker',
      'connection',
      'transfer-encoding',
    ]
    expect(sent.filter((name) => !byRuntime.includes(name)).sort()).toEqual(['accept', 'user-agent'])
  })

  it.each(['application/client-metadata+json', 'application/json; charset=utf-8', 'APPLICATION/JSON'])(
    'may be served as %s (INTEROP 4.5)',
    async (type) => {
      expect((await ask(await publish({}, newPath(), { 'content-type': type }))).status).toBe(200)
    },
  )

  it('E8 served as another type is refused, and the page says which', async () => {
    const page = await ask(await publish({}, newPath(), { 'content-type': 'text/plain' }))
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('its Content-Type is text/plain')])
  })

  it('E14 that was wrong and is mended works once its failure is forgotten, not later', async () => {
    const clock = stopClock()
    const path = newPath()
    const client_id = await publish({ client_name: '' }, path)
    const own = openDevelopment()
    expect((await ask(client_id, {}, own)).status).toBe(400)
    await publish({}, path)
    clock.pass(59)
    expect((await ask(client_id, {}, own)).status).toBe(400)
    clock.pass(1)
    expect((await ask(client_id, {}, own)).status).toBe(200)
  })

  it('E16 that loses a redirect during the flow: the code goes where it was asked to, and works with that one alone', async () => {
    const path = newPath()
    const client_id = await publish({}, path)
    const { grant } = await connectBy(client_id)
    const moved = 'http://localhost/moved'
    await publish({ redirect_uris: [moved] }, path)
    const afterwards = openDevelopment()
    expect((await exchange(grant, { client_id, redirect_uri: moved }, afterwards)).json?.error).toBe('invalid_grant')
    expect((await exchange(grant, { client_id, redirect_uri: redirectUri }, afterwards)).status).toBe(200)
    expect((await ask(client_id, {}, afterwards)).text).toContain('redirect_uri_mismatch')
  })

  it('is not read from loopback without the development switch (SECURITY §25)', async () => {
    const path = newPath()
    const answer = await ask(await publish({}, path), {}, house)
    expect([answer.status, answer.headers.get('location'), await requestsFor(path)]).toEqual([400, null, []])
  })

  it('E5 of this server itself is not read, under the development switch either', async () => {
    for (const origin of ['http://localhost:9400', 'http://127.0.0.1:9400', atHome.dependencies.config.supabase.url]) {
      const page = await ask(`${origin}/client.json`)
      expect([page.status, page.text.includes('client_id_malformed')]).toEqual([400, true])
    }
  })

  const grantShape = { code: `mac_${'A'.repeat(22)}.${'A'.repeat(43)}`, verifier: 'v'.repeat(43) }
  const neverFetched = async (client_id: string) => {
    const fetched: unknown[] = []
    const toStrangers: typeof fetch = async (input) => Response.json(fetched.push(input))
    const watched = openHouse({ network: { toStrangers } })
    const page = await ask(client_id, {}, watched)
    expect([page.status, page.headers.get('location')]).toEqual([400, null])
    expect(page.text).toContain('client_id_malformed')
    const token = await exchange(grantShape, { client_id }, watched)
    expect([token.status, token.json?.error, fetched]).toEqual([401, 'invalid_client', []])
  }
  it.each([
    'https://127.0.0.1/x',
    'https://2130706433/x',
    'https://0x7f.1/x',
    'https://[::1]/x',
    'https://169.254.169.254/x',
  ])('E1 refuses the address %s with a page, 401 at the token endpoint, and no fetch', neverFetched)
  it.each(['https://printer.local/x', 'https://db.internal/x', 'https://intranet/x'])(
    'E2 refuses the special-use name in %s with a page, and no fetch',
    neverFetched,
  )
  it.each([
    'http://good.dev/x',
    'https://good.dev',
    'https://good.dev/x#f',
    'https://u@good.dev/x',
    'https://good.dev/a/../x',
    'https://good.dev/%2e%2e/x',
    'https://good.dev\\x',
    'https://good.dev/x https://evil.dev/x',
    'https://good.dev:8443/x',
  ])('E10 refuses %s on the raw string with a page, and no fetch', neverFetched)

  it('E19 tells a refused, a missing and a redirecting host apart in the log alone', async () => {
    const [missing, broken, redirecting] = [newPath(), newPath(), newPath()]
    await host(broken, { status: 500 })
    await host(redirecting, { status: 302, headers: { location: 'http://10.0.0.1/' } })
    const pages = []
    for (const address of [hostUrl(missing), hostUrl(broken), hostUrl(redirecting), 'http://localhost:1/x']) {
      pages.push((await ask(address)).text.replaceAll(/req_[0-9A-Za-z]+/g, ''))
    }
    expect(pages[0]).toContain('client_document_unavailable')
    expect(new Set(pages).size).toBe(1)
    expect(new Set(atHome.lines.slice(-4).map((line) => 'cause' in line && line.cause)).size).toBe(4)
  })

  const invalid = async (change: Record<string, unknown>) => {
    const page = await ask(await publish(change))
    expect([page.status, page.headers.get('location')]).toEqual([400, null])
    expect(page.text).toContain('client_document_invalid')
  }
  it.each([{ client_id: 'http://localhost:9409/other' }, { client_id: undefined }])(
    'E9 with %j is not the document of its URL: a page that says so',
    invalid,
  )
  it.each([{ client_secret: 's' }, { jwks: { keys: [{ kty: 'EC', d: 'x' }] } }])(
    'E11 with the secret in %j is not valid: a page that says why',
    invalid,
  )
  it.each([{ redirect_uris: ['https://evil.dev/cb'] }])('E12 with %j alone has no redirect of its own', invalid)
  it.each([{ client_name: 'C1aude' }, { client_name: 'A\u202Eedoc' }, { client_name: 'Cl\u0430ude Code' }])(
    'B20 with %j is not valid',
    invalid,
  )
})

describe('a client that offers several methods (OpenID Connect RP Metadata Choices)', () => {
  it('is held to the strongest that it can be held to', async () => {
    const signer = await newSigner()
    const client_id = await publish({
      token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
      jwks: { keys: [signer.jwk] },
    })
    const { grant } = await connectBy(client_id)
    expect(await exchange(grant, { client_id }, atHome)).toMatchObject({ status: 401 })
    const assertion = proof(await signer.assert(client_id))
    expect((await exchange(grant, { client_id, ...assertion }, atHome)).status).toBe(200)
  })

  it('with nothing to prove itself by is a public one', async () => {
    const client_id = await publish({ token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] })
    const { grant } = await connectBy(client_id)
    expect((await exchange(grant, { client_id }, atHome)).status).toBe(200)
  })
})

describe('an https redirect of a document', () => {
  // Names of the public Internet: what they answer is injected.
  const documents: Record<string, unknown> = {}
  beforeEach(() => {
    for (const url of Object.keys(documents)) delete documents[url]
  })
  const toStrangers: typeof fetch = async (input) => Response.json(documents[String(input)] ?? {})
  const publishAt = (client_id: string, redirect_uris: readonly string[]) => {
    documents[client_id] = { client_id, client_name: 'Web tool', redirect_uris }
    return client_id
  }
  const wrong = { scope: '\0' }

  it('E12 to the second origin of a configured row is proven: errors go there by themselves', async () => {
    const redirect_uri = 'https://claude.com/api/mcp/auth_callback'
    const client_id = publishAt('https://claude.ai/oauth/client.json', [redirect_uri])
    const answer = await ask(client_id, { redirect_uri, ...wrong }, openHouse({ network: { toStrangers } }))
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      expect.stringMatching(/^https:\/\/claude\.com\//),
    ])
    const opened = await ask(client_id, { redirect_uri }, openHouse({ network: { toStrangers } }))
    expect(opened.status).toBe(200)
    expect(
      await sql('select distinct redirect_trust from mcp_data.transactions where client_id = $1', [client_id]),
    ).toEqual([{ redirect_trust: 'proven' }])
  })

  it.each([
    ['no row names it', 'https://evil.dev/cb', {}],
    ['the rows are switched off', 'https://claude.com/cb', { REDIRECT_EXCEPTIONS: 'none' }],
  ])('E12 elsewhere is no redirect where %s: a page, no redirect', async (_why, redirect_uri, variables) => {
    const client_id = publishAt('https://claude.ai/oauth/client.json', [redirect_uri, 'https://claude.ai/cb'])
    const answer = await ask(client_id, { redirect_uri, ...wrong }, openHouse({ variables, network: { toStrangers } }))
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    expect(answer.text).toContain('redirect_uri_mismatch')
  })

  it('a row counts one way alone', async () => {
    const redirect_uri = 'https://claude.ai/cb'
    const client_id = publishAt('https://claude.com/client.json', [redirect_uri, 'https://claude.com/cb'])
    const answer = await ask(client_id, { redirect_uri }, openHouse({ network: { toStrangers } }))
    expect(answer.text).toContain('redirect_uri_mismatch')
  })
})

it('a visitor of a blocked document’s client is told so, and nothing is issued (M12)', async () => {
  const client_id = await publish()
  const { grant } = await connectBy(client_id)
  const text = "insert into mcp_data.blocked_clients values (sha256(convert_to($1, 'UTF8')), 'test', now())"
  await sql(text, [client_id])
  expect((await exchange(grant, { client_id }, atHome)).json?.error).toBe('invalid_grant')
  const page = await meetVisitor(development).open(authorizeUrl({ client_id }))
  expect(page.text).toContain('client_blocked')
})
