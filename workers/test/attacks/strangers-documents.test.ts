import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { host, hostUrl } from '../support/worker/document-host.ts'
import { form } from '../support/worker/flow.ts'
import { type Answer, type House, openHouse } from '../support/worker/house.ts'
import { authorizeUrl } from '../worker/requests.ts'

// No test can run a host with a public name and an https certificate, so what such a host answers is injected; the resolver
// that says where it is, is a real one on loopback.

type Call = { readonly url: string; readonly init: RequestInit | undefined }

const calls: Call[] = []
let answer: (url: string) => Response | Promise<Response>
beforeEach(() => {
  calls.length = 0
  answer = () => Response.json({})
})

const DNS_RESOLVER_URL = hostUrl('/dns-query')

const toStrangers: typeof fetch = async (input, init) => {
  const url = input instanceof Request ? input.url : String(input)
  if (url.startsWith(hostUrl())) return fetch(input, init)
  calls.push({ url, init })
  return answer(url)
}

const limits = { document_calls_per_host: 1000, document_failures_per_host: 1000, document_milliseconds: 60_000 }
const variables = { ISSUER: 'https://mcp.example.com', DNS_RESOLVER_URL, LIMITS: JSON.stringify(limits) }
const deployment = (bindings = {}) => openHouse({ variables, bindings, network: { toStrangers } })
/** Does not wait for long; for hosts that never answer. */
const impatient = (): House => {
  const LIMITS = JSON.stringify({ ...limits, document_milliseconds: 400 })
  return openHouse({ variables: { ...variables, LIMITS }, network: { toStrangers } })
}

/** What the resolver says of a name. */
async function resolves(name: string, addresses: { A?: readonly string[]; AAAA?: readonly string[] }): Promise<void> {
  for (const [type, number] of [
    ['A', 1],
    ['AAAA', 28],
  ] as const) {
    const Answer = (addresses[type] ?? []).map((data) => ({ type: number, data }))
    const body = JSON.stringify({ Status: 0, Answer })
    await host(`/dns-query?name=${name}&type=${type}`, { headers: { 'content-type': 'application/dns-json' }, body })
  }
}

type Ask = (house: House, hostName: string, headers?: Record<string, string>) => Promise<Answer>

const json = { 'content-type': 'application/json' }

const askByClientId: Ask = (house, hostName, headers = {}) =>
  house.send(`/authorize${authorizeUrl({ client_id: `https://${hostName}/client.json`, scope: 'openid' }).search}`, {
    headers,
  })

const pair = await generateKeyPair('ES256')

/** Registers a client whose keys are at this URL, and lets it prove itself. */
async function askByKeysAt(jwks_uri: string, house: House, headers: Record<string, string> = {}): Promise<Answer> {
  const metadata = { redirect_uris: ['http://localhost/cb'], token_endpoint_auth_method: 'private_key_jwt', jwks_uri }
  const registered = await house.send('/register', { method: 'POST', headers: json, body: JSON.stringify(metadata) })
  const client_id = String(registered.json?.client_id)
  const exp = Math.floor(Date.now() / 1000) + 60
  const jti = crypto.randomUUID()
  const client_assertion = await new SignJWT({ iss: client_id, sub: client_id, aud: house.issuer, jti, exp })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(pair.privateKey)
  const fields = {
    grant_type: 'authorization_code',
    code: `mac_${'A'.repeat(22)}.${'A'.repeat(43)}`,
    code_verifier: 'v'.repeat(43),
    client_id,
    client_assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  }
  return house.send('/token', form(fields, headers))
}
const askByKeys: Ask = (house, hostName, headers) => askByKeysAt(`https://${hostName}/keys.json`, house, headers)

let waiting = ''

/** Registers a server at the host, and asks for its proof. */
const askByProof: Ask = async (house, hostName, headers = {}) => {
  const body = JSON.stringify({ server_url: `https://${hostName}/mcp`, server_name: 'Files', scopes: ['files:read'] })
  const { json: registered } = await house.send('/api/servers', { method: 'POST', headers: json, body })
  waiting = String(registered?.server_id)
  const authorization = `Bearer ${String(registered?.management_token)}`
  return house.send(`/api/servers/${waiting}/verify`, { method: 'POST', headers: { ...headers, authorization } })
}

type Kind = readonly [name: string, ask: Ask, isRefused: (answer: Answer) => boolean, limitBytes: number]

const kinds: readonly Kind[] = [
  ['a client_id', askByClientId, ({ status, text }) => status === 400 && text.includes('client_document_'), 5_120],
  // What the network did is no word on who the client is (INTEROP 4.6); what its host did answer is.
  [
    'a jwks_uri',
    askByKeys,
    ({ status, text }) => /^(401.*invalid_client|503.*client_keys_unavailable)/.test(`${status} ${text}`),
    65_536,
  ],
  ['a proof', askByProof, ({ status, json: told }) => status === 200 && told?.verified === false, 65_536],
]

/** What the host of each kind has to answer. */
async function rightAnswer(url: string): Promise<Response> {
  const { origin, pathname } = new URL(url)
  if (pathname === '/client.json') {
    return Response.json({ client_id: url, client_name: 'Tool', redirect_uris: ['http://localhost/callback'] })
  }
  if (pathname === '/keys.json') return Response.json({ keys: [await exportJWK(pair.publicKey)] })
  const authorization_servers = ['https://mcp.example.com']
  return Response.json({ resource: `${origin}/mcp`, authorization_servers, auth_agent_server_id: waiting })
}

const newName = () => `${crypto.randomUUID()}.good.dev`
async function publicName(): Promise<string> {
  const name = newName()
  await resolves(name, { A: ['8.8.8.8'], AAAA: ['2606:4700:4700::1111'] })
  return name
}

describe('a document that a stranger names', () => {
  it.each(kinds)('is read where nothing is wrong with it: %s', async (_name, ask, isRefused) => {
    answer = rightAnswer
    const read = await ask(deployment(), await publicName())
    expect([isRefused(read), calls.length]).toEqual([false, 1])
    expect([200, 400]).toContain(read.status)
    expect(read.text).toMatch(/<form|invalid_grant|"verified":true/)
  })

  it.each(kinds)(
    'E2 E20 J12 %s on a name with an address that is not public: no call',
    async (_name, ask, isRefused) => {
      for (const addresses of [
        { A: ['10.0.0.1'] },
        { A: ['8.8.8.8', '127.0.0.1'] },
        { A: ['169.254.169.254'] },
        { A: ['8.8.8.8'], AAAA: ['::ffff:10.0.0.1'] },
        { AAAA: ['64:ff9b::a00:1'] },
        { AAAA: ['2002:a00:1::'] },
        {},
      ]) {
        const name = newName()
        await resolves(name, addresses)
        expect(isRefused(await ask(deployment(), name)), JSON.stringify(addresses)).toBe(true)
      }
      expect(calls).toEqual([])
    },
  )

  it.each(kinds)('E2 E20 J12 %s on a name that the resolver cannot tell: no call', async (_name, ask, isRefused) => {
    expect(isRefused(await ask(deployment(), newName()))).toBe(true)
    expect(calls).toEqual([])
  })

  it.each(kinds)(
    'E3 E20 J12 %s: every call is checked anew, whatever the name resolved to before',
    async (_name, ask, isRefused) => {
      const name = await publicName()
      const house = deployment()
      answer = () => new Response('', { status: 503 })
      expect(isRefused(await ask(house, name))).toBe(true)
      expect(calls).toHaveLength(1)
      await resolves(name, { A: ['127.0.0.1'] })
      expect(isRefused(await ask(deployment(), name))).toBe(true)
      expect(calls).toHaveLength(1)
    },
  )

  it.each(kinds)('E4 E20 J12 %s that redirects: one call, and nothing is followed', async (_name, ask, isRefused) => {
    for (const status of [301, 302, 303, 307, 308]) {
      calls.length = 0
      answer = () => new Response(null, { status, headers: { location: 'https://169.254.169.254/' } })
      expect(isRefused(await ask(deployment(), await publicName()))).toBe(true)
      expect(calls.map(({ init }) => init?.redirect)).toEqual(['manual'])
    }
  })

  it.each(kinds)(
    'E6 E20 J12 %s that is too large, in chunks, is given up',
    async (_name, ask, isRefused, limitBytes) => {
      let pulled = 0
      answer = () => {
        const pull = (controller: ReadableStreamDefaultController) => {
          pulled += 1_024
          controller.enqueue(new Uint8Array(1_024).fill(0x20))
        }
        return new Response(new ReadableStream({ pull }), { headers: { 'content-type': 'application/json' } })
      }
      expect(isRefused(await ask(deployment(), await publicName()))).toBe(true)
      expect(pulled).toBeLessThan(limitBytes + 8 * 1_024)
    },
  )

  it.each(kinds)('E7 E20 J12 %s that never answers, or never ends, is given up', async (_name, ask, isRefused) => {
    for (const silent of [
      () => new Promise<Response>(() => undefined),
      () => new Response(new ReadableStream({}), { headers: { 'content-type': 'application/json' } }),
    ]) {
      answer = silent
      expect(isRefused(await ask(impatient(), await publicName()))).toBe(true)
    }
  })

  it.each(kinds)('E8 E20 J12 %s is JSON with status 200, and nothing else', async (_name, ask, isRefused) => {
    for (const [status, type] of [
      [201, 'application/json'],
      [204, 'application/json'],
      [404, 'application/json'],
      [200, 'text/html'],
      [200, 'application/json, text/html'],
    ] as const) {
      answer = () => new Response(status === 204 ? null : '{}', { status, headers: { 'content-type': type } })
      expect(isRefused(await ask(deployment(), await publicName())), `${status} ${type}`).toBe(true)
    }
  })

  it.each(kinds)('E18 E20 J12 %s is counted against the address that causes the call', async (_name, ask) => {
    const keys: string[] = []
    const limit = async ({ key }: { key: string }) => ({ success: keys.push(key) > 1000 })
    const limited = deployment({ RATE_DOCUMENTS: { limit } })
    const { status } = await ask(limited, await publicName(), { 'cf-connecting-ip': '192.0.2.7' })
    expect([status, keys, calls]).toEqual([429, ['RATE_DOCUMENTS:192.0.2.7'], []])
  })

  it.each(kinds)('E21 E23 E20 J12 %s is asked for with fixed headers and no cache', async (_name, ask) => {
    await ask(deployment(), await publicName(), { cookie: 'a=b', 'x-secret': 's' })
    expect(calls.map(({ init }) => [init?.method, init?.cache, Object.keys(init?.headers ?? {})])).toEqual([
      ['GET', 'no-store', ['accept', 'user-agent']],
    ])
  })

  it.each([
    'https://127.0.0.1/k',
    'https://2130706433/k',
    'https://0x7f.1/k',
    'https://[::1]/k',
    'https://169.254.169.254/k',
    'https://printer.local/k',
    'https://mcp.example.com/k',
    'https://a.mcp.example.com/k',
    'https://good.dev:8443/k',
    'https://good.dev/a/../k',
  ])('E1 E2 E5 E10 E20 a jwks_uri %s is never called', async (jwks_uri) => {
    const { status, json: told } = await askByKeysAt(jwks_uri, deployment())
    expect([status, told?.error, calls]).toEqual([401, 'invalid_client', []])
  })

  it('E5 our own host, and our database’s, is no client: a page, and no call', async () => {
    for (const name of ['mcp.example.com', 'a.mcp.example.com']) {
      const { status, text } = await askByClientId(deployment(), name)
      expect([status, text.includes('client_id_malformed'), calls]).toEqual([400, true, []])
    }
  })

  it('J14 J15 a server_url where no proof could be fetched is refused at registration', async () => {
    for (const server_url of [
      'https://127.0.0.1/mcp',
      'https://[::1]/mcp',
      'http://good.dev/mcp',
      'https://good.dev:443/mcp',
      'https://good.dev:8443/mcp',
      'https://GOOD.dev/mcp',
      'https://good.dev./mcp',
      'https://u@good.dev/mcp',
      'https://*.good.dev/mcp',
      'https://good.dev/a/../mcp',
      'https://good.dev/mcp?x',
      'https://good.dev/mcp#x',
      'http://localhost:3000/mcp',
      'https://printer.local/mcp',
      'https://mcp.example.com/mcp',
      'https://a.mcp.example.com/mcp',
    ]) {
      const body = JSON.stringify({ server_url, server_name: 'Files', scopes: ['files:read'] })
      const answered = await deployment().send('/api/servers', { method: 'POST', headers: json, body })
      expect([server_url, answered.status, answered.json?.error]).toEqual([server_url, 400, 'invalid_request'])
    }
  })
})
