import { describe, expect, it } from 'vitest'
import { askedOf, newAuthenticator } from '../support/worker/authenticator.ts'
import {
  authorize,
  basic,
  connect,
  exchange,
  form,
  house,
  isActive,
  openServer,
  refresh,
  tokensOf,
} from '../support/worker/flow.ts'
import type { Answer } from '../support/worker/house.ts'
import { addPage, openAddPage } from '../support/worker/passkeys.ts'
import { authorizeUrl, clientId } from '../worker/requests.ts'
import { meetVisitor } from '../worker/visitor.ts'

/** What breaks out of SQL text, of a PostgREST filter, of a path or of JSON. */
const injections = [
  "'",
  "' or '1'='1",
  "'; drop schema mcp_data cascade; --",
  'x,revoked_at.is.null',
  'x)',
  '%',
  '&select=*',
  '$1',
  '\\',
  '{"a":1}',
  '../../rpc/clean_up',
]

const json = (body: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

/** Each place that takes text from outside, with the text in every member of its request. */
const places: readonly (readonly [string, (text: string) => Promise<Answer>])[] = [
  ['/authorize', (text) => house.send(`/authorize?${new URLSearchParams({ client_id: text, redirect_uri: text })}`)],
  [
    '/token code',
    (text) => house.send('/token', form({ grant_type: 'authorization_code', code: text, client_id: text })),
  ],
  [
    '/token refresh',
    (text) => house.send('/token', form({ grant_type: 'refresh_token', refresh_token: text, client_id: text })),
  ],
  ['/revoke', (text) => house.send('/revoke', form({ token: text, client_id: text }))],
  [
    '/introspect',
    (text) => house.send('/introspect', form({ token: text }, { authorization: `Basic ${btoa(`${text}:${text}`)}` })),
  ],
  ['/userinfo', (text) => house.send('/userinfo', { headers: { authorization: `Bearer ${text}` } })],
  ['/api/servers', (text) => house.send('/api/servers', json({ server_url: text, server_name: text, scopes: [text] }))],
  ['/api/servers/:id', (text) => house.send(`/api/servers/${encodeURIComponent(text)}`)],
  ['metadata', (text) => house.send(`/.well-known/oauth-protected-resource/${encodeURIComponent(text)}`)],
  ['/consent', (text) => house.send(`/consent?${new URLSearchParams({ transaction: text })}`)],
]

it.each(places)(
  'N5 I2 takes every text at %s for text: an error of the caller, nothing changed',
  async (place, send) => {
    const owner = await openServer()
    const { access_token } = await connect(owner)
    for (const text of injections) {
      const { status } = await send(text)
      expect([status < 500, text]).toEqual([true, text])
      // RFC 7009 §2.2: revoking what does not exist succeeds; nothing else may.
      if (place !== '/revoke') expect([status >= 400, text]).toEqual([true, text])
    }
    expect(await isActive(owner, access_token)).toBe(true)
  },
)

/** What no text of PostgreSQL can hold: NUL, and one half of a character that JSON writes as two. */
const unstorable = ['\0', 'a\0b', '\ud800', '\udc00']

describe('N5 N11 text that the database cannot hold is an error of the caller, and never 503', () => {
  it('as redirect_uri at /token, which burns nothing', async () => {
    const grant = await authorize({ resource: (await openServer()).server_url })
    for (const redirect_uri of unstorable) {
      const body = { grant_type: 'authorization_code', code: grant.code, code_verifier: grant.verifier, redirect_uri }
      const { status, json: answer } = await house.send('/token', json({ ...body, client_id: clientId }))
      expect([status, answer?.error, answer?.error_uri]).toEqual([
        400,
        'invalid_grant',
        `${house.issuer}/errors#code_redirect_uri_mismatch`,
      ])
    }
    expect((await exchange(grant)).status).toBe(200)
  })

  it('as a scope of the forms for consent and for less access', async () => {
    const visitor = meetVisitor()
    const { server_url } = await openServer()
    const page = await visitor.signIn(await visitor.open(authorizeUrl({ resource: server_url })))
    const decided = await visitor.submit(page, '/consent', { decision: 'approve', scope: ['files:read', '\0'] })
    expect([decided.status, decided.location]).toEqual([400, null])
    expect((await visitor.submit(page, '/consent', { decision: 'deny' })).status).toBe(303)
  })

  it('as the user of Basic, also in percent-coding', async () => {
    const owner = await openServer()
    const { access_token } = await connect(owner)
    for (const user of ['%00', 'a%00b', `${owner.server_id}%00`]) {
      const answer = await house.send(
        '/introspect',
        form({ token: access_token }, { authorization: basic(user, owner.key_secret) }),
      )
      expect([answer.status, answer.json?.error]).toEqual([401, 'invalid_client'])
    }
  })

  it('as a way to reach a new passkey', async () => {
    const visitor = meetVisitor()
    const page = await openAddPage(visitor)
    const authenticator = await newAuthenticator()
    const answer = JSON.parse(await authenticator.create(askedOf(page))) as { response: Record<string, unknown> }
    for (const text of unstorable) {
      const credential = JSON.stringify({ ...answer, response: { ...answer.response, transports: [text] } })
      expect((await visitor.submit(page, addPage, { name: 'Laptop', credential })).status).toBe(400)
    }
  })

  it('as the home page of a client that registers itself', async () => {
    for (const text of [...unstorable, '\u202e']) {
      const client_uri = `https://client.example/${text}`
      const asked = { redirect_uris: ['http://localhost/callback'], client_name: 'Some tool', client_uri }
      const { status, json: answer } = await house.send('/register', json(asked))
      expect([status, answer?.error]).toEqual([400, 'invalid_client_metadata'])
    }
  })

  it('as the name of a browser, cut where one of its characters is', async () => {
    const { server_url } = await openServer()
    // 255 characters, then one that is two in UTF-16: 256 of those are kept.
    const headers = { 'user-agent': `${'a'.repeat(255)}\u{1f600}` }
    expect((await meetVisitor().open(authorizeUrl({ resource: server_url }), headers)).status).toBe(200)
    const { refresh_token } = await connect(await openServer())
    expect(
      (
        await house.send('/token', {
          ...form({ grant_type: 'refresh_token', refresh_token, client_id: clientId }, headers),
        })
      ).status,
    ).toBe(200)
    expect(tokensOf(await refresh(refresh_token))).toHaveProperty('access_token')
  })
})
