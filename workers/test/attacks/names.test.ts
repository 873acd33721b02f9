import { beforeAll, describe, expect, it } from 'vitest'
import { house } from '../support/worker/flow.ts'
import { atServer, authorizeUrl, openFor, type Registered, registerServer } from '../worker/requests.ts'
import { meetVisitor } from '../worker/visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer([{ name: 'files:read', description: 'Only harmless things' }])
})

const json = { 'content-type': 'application/json' }
const send = (path: string, body: unknown) =>
  house.send(path, { method: 'POST', headers: json, body: JSON.stringify(body) })

const registering = (client_name: string) =>
  send('/register', { client_name, redirect_uris: ['http://localhost/cb'], token_endpoint_auth_method: 'none' })

/** The sign-in and consent pages for a client whose document is on this host. */
async function pagesOf(client_name: string, host: string): Promise<readonly string[]> {
  const visitor = meetVisitor()
  const redirect_uri = 'http://localhost:51004/callback'
  const client = {
    client_id: `https://${host}/client.json`,
    client_name,
    kind: 'metadata_document',
    redirect_uris: [redirect_uri],
  } as const
  const transaction = await openFor(visitor, { client, authorization: { ...atServer(server), redirect_uri } })
  const first = await visitor.open(`/sign-in?transaction=${transaction}`)
  return [first.text, (await visitor.signIn(first)).text]
}

describe('a name', () => {
  it.each(['Cl\u0430ude Code', 'C1aude for work', 'Tool\u202egnp', 'Tool\u200b', 'Auth-Agent MCP'])(
    'B20 %j cannot be registered (look-alikes, bidi and invisible characters, our own)',
    async (name) => {
      const { status, json: answer } = await registering(name)
      expect([status, answer?.error]).toEqual([400, 'invalid_client_metadata'])
    },
  )

  it('B20 that equals a known one can be registered, and is told to be not verified wherever it is shown', async () => {
    const client_id = String((await registering('Claude Code')).json?.client_id)
    const visitor = meetVisitor()
    const url = authorizeUrl({ client_id, redirect_uri: 'http://localhost:51004/cb', resource: server.server_url })
    const first = await visitor.open(url)
    for (const text of [first.text, (await visitor.signIn(first)).text]) expect(text).toContain('name not verified')
  })

  it('B20 of a known program, published elsewhere, says where it does not come from', async () => {
    const [first = '', consent = ''] = await pagesOf('Claude Code', 'claude.ai.evil.dev')
    expect(first).toContain('name not verified')
    expect(consent).toContain('well-known name')
    expect(consent).toMatch(/claude\.ai\.<\/span>evil\.dev<\/b> is not where Claude Code comes from\./)
  })

  it('B20 of a known program, published by its makers, is vouched for by their host', async () => {
    const [first = '', consent = ''] = await pagesOf('Claude Code', 'claude.ai')
    expect(first).not.toContain('name not verified')
    expect(consent).toMatch(/proof">published by <b class="host" dir="ltr">claude\.ai<\/b>/)
    expect(consent).not.toContain('well-known name')
  })

  it('B22 of a host is shown whole, from its first label to its last, and what was registered of it stands out', async () => {
    const host = `claude.ai.${'a-very-long-label.'.repeat(8)}evil.dev`
    const [, consent = ''] = await pagesOf('Some tool', host)
    const rest = host.slice(0, -'evil.dev'.length)
    expect(consent).toContain(`<b class="host" dir="ltr"><span class="host-rest">${rest}</span>evil.dev</b>`)
  })
})

describe('an owner’s text', () => {
  it('B23 stands after the raw value of its scope, below the host of the server, and is short', async () => {
    const [, consent = ''] = await pagesOf('Some tool', 'tools.example.com')
    const places = ['localhost:9401</b>', '<code>files:read</code>', 'Only harmless things'].map((text) =>
      consent.indexOf(text),
    )
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    expect(places.every((place) => place > 0)).toBe(true)
    const scopes = [{ name: 'files:read', description: 'x'.repeat(121) }]
    const refused = await send('/api/servers', {
      server_url: 'http://localhost:9401/long/mcp',
      server_name: 'Team files',
      scopes,
    })
    expect([refused.status, refused.json?.error]).toEqual([400, 'invalid_request'])
  })

  it('B24 cannot be made longer by asking for more scopes than there can be', async () => {
    const scope = Array.from({ length: 69 }, (_none, place) => `s${place}`).join(' ')
    const answer = await meetVisitor().open(authorizeUrl({ resource: server.server_url, scope }))
    expect([answer.status, answer.location?.searchParams.get('error')]).toEqual([303, 'invalid_scope'])
    expect((await registering('n'.repeat(101))).status).toBe(400)
  })
})
