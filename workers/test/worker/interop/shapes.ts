import type { Ask, Expected, Fields, Json, Landing, Visit } from './row.ts'

type Headers = Readonly<Record<string, string>>

/** Both scopes of a row's server. */
export const everything = 'files:read files:write'
export const forServer = { tokens: { scope: everything, audience: '{server}' } } as const

export function get(path: string, expect: Expected, headers: Headers = {}): Ask {
  return { does: 'ask', at: 'issuer', method: 'GET', path, headers, expect }
}

export function atServer(method: string, path: string, expect: Expected, more: Partial<Ask> = {}): Ask {
  return { does: 'ask', at: 'server', method, path, expect, ...more }
}

/** The preflight that a browser sends before the request it means (Fetch, CORS-preflight fetch). */
export function preflight(at: Ask['at'], path: string, asked: Headers, expect: Expected): Ask {
  const headers = {
    origin: 'http://localhost:6274',
    'access-control-request-method': asked.method ?? 'GET',
    'access-control-request-headers': asked.headers ?? '',
  }
  return { does: 'ask', at, method: 'OPTIONS', path, headers, expect }
}

/** RFC 7591 §3.1; the id is learnt, and what else the row asks for. */
export function register(json: Json, expect: Partial<Expected> = {}): Ask {
  const learn = { client_id: 'client_id', ...expect.learn }
  return {
    does: 'ask',
    at: 'issuer',
    method: 'POST',
    path: '/register',
    json,
    expect: { status: 201, ...expect, learn },
  }
}

/** What every client sends to /authorize (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export const request = {
  response_type: 'code',
  client_id: '{client_id}',
  code_challenge: '{challenge}',
  code_challenge_method: 'S256',
} as const

/** With the MCP server's resource and a state, as the official packages. */
export const requestAtServer = { ...request, state: 'k7QmZ2', resource: '{server}' } as const

export function visit(query: Fields, expect: Landing = { consent: [] }): Visit {
  return { does: 'visit', query, expect }
}

export function token(form: Fields, expect: Partial<Expected> = forServer, headers: Headers = {}): Ask {
  const answer = { status: 200, ...expect }
  return { does: 'ask', at: 'issuer', method: 'POST', path: '/token', form, headers, expect: answer }
}

/** The same as one flat JSON object of strings (HTTP-API "Conventions"). */
export function tokenAsJson(json: Json, expect: Partial<Expected> = forServer): Ask {
  return { does: 'ask', at: 'issuer', method: 'POST', path: '/token', json, expect: { status: 200, ...expect } }
}

/** RFC 7009 §2.1. */
export function revoke(form: Fields, expect: Expected = { status: 200 }, headers: Headers = {}): Ask {
  return { does: 'ask', at: 'issuer', method: 'POST', path: '/revoke', form, headers, expect }
}

/** A public client's exchange (RFC 6749 §4.1.3). */
export function codeForm(redirect_uri: string, more: Fields = {}): Fields {
  const code = { grant_type: 'authorization_code', code: '{code}', code_verifier: '{verifier}' }
  return { ...code, redirect_uri, client_id: '{client_id}', ...more }
}

/** A public client's refresh (RFC 6749 §6). */
export function refreshForm(more: Fields = {}): Fields {
  return { grant_type: 'refresh_token', refresh_token: '{refresh_token}', client_id: '{client_id}', ...more }
}

/** What is left out of a form or a query. */
export function without(fields: Fields, ...names: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))
}

export const refused = (status: number, error: string, reason: string): Expected => ({
  status,
  json: { error, error_description: expectText, error_uri: `{issuer}/errors#${reason}` },
})

const expectText = { asymmetricMatch: (value: unknown) => typeof value === 'string' && value !== '' }
