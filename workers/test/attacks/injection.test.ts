import { expect, it } from 'vitest'
import { connect, form, house, isActive, openServer } from '../support/worker/flow.ts'
import type { Answer } from '../support/worker/house.ts'

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
