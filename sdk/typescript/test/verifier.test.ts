import { OAuthError, requireBearerAuth } from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { AuthAgentConfigError } from '../src/index.ts'
import { authAgentVerifier, type VerifierOptions } from '../src/mcp.ts'
import { atSecond } from './at-second.ts'
import { type Exchange, fill, optionsOf, scriptIssuer, withTokens } from './contract-case.ts'
import { loadContract } from './run-contract.ts'
import { activeAnswer, bearer, makeOptions, makeToken } from './support.ts'

const folder = new URL('../../contract/', import.meta.url)
const { standard, files } = loadContract(folder)
const cases = files.flatMap((file) => file.cases)

/** Cases that are about one well-formed token, which is all that a verifier sees. */
const ofTokens = cases.filter(({ config = {}, exchanges = [] }) => {
  const { requiredScopes: _, toolScopes, promptScopes, resourceScopes, allowedHosts, allowedOrigins } = config
  const others = [toolScopes, promptScopes, resourceScopes, allowedHosts, allowedOrigins]
  return exchanges.length > 0 && exchanges.every(isOfToken) && others.every((option) => option === undefined)
})

function isOfToken({ request, expect: { status } }: Exchange): boolean {
  const { headers = [], ...rest } = request
  return (
    headers.length === 1 &&
    /^Bearer [^ ,]+$/.test(headers[0]?.[1] ?? '') &&
    Object.keys(rest).length === 0 &&
    status !== 400
  )
}

describe('the verifier for the MCP packages', () => {
  it('is held to most of the contract', () => expect(ofTokens.length).toBeGreaterThan(200))

  it.each(ofTokens.map((contract) => [contract.name, contract] as const))('%s', async (_, contract) => {
    const defaults = withTokens(standard, contract)
    const { requiredScopes: _needed, ...given } = optionsOf(defaults, contract)
    const issuer = scriptIssuer(defaults, contract.issuer ?? [], String(given.apiKey))
    const verifier = authAgentVerifier({ ...given, fetch: issuer.fetch, log: () => {} } as unknown as VerifierOptions)
    for (const exchange of contract.exchanges ?? []) {
      const token = fill(defaults, exchange.request.headers?.[0]?.[1] ?? '').slice('Bearer '.length)
      const results = await atSecond(defaults.now_seconds + (exchange.at_seconds ?? 0), () =>
        Promise.allSettled(Array.from({ length: exchange.times ?? 1 }, () => verifier.verifyAccessToken(token))),
      )
      for (const result of results) compare(exchange, result)
      expect(issuer.calls()).toBe(exchange.expect.issuer_calls)
    }
  })

  it.each(['requiredScopes', 'toolScopes', 'promptScopes', 'resourceScopes', 'filterLists', 'allowedHosts'])(
    'L27 does not start with %s, which it could not keep',
    (name) => {
      const { options } = makeOptions(() => activeAnswer(), { requiredScopes: undefined })
      const { requiredScopes: _, ...rest } = options
      expect(() => authAgentVerifier({ ...rest, [name]: [] } as VerifierOptions)).toThrow(AuthAgentConfigError)
    },
  )

  it('L26 tells their requireBearerAuth of implied scopes and of the resource, and keeps the token', async () => {
    const { requiredScopes: _, ...options } = makeOptions(() => activeAnswer({ scope: 'files:write' }), {
      scopeImplications: { 'files:write': ['files:read'] },
    }).options
    const verifier = authAgentVerifier(options)
    const expectedResource = new URL('https://mcp.example/mcp')
    const gate = requireBearerAuth({ verifier, requiredScopes: ['files:read'], expectedResource })
    const authInfo = await gate(bearer(makeToken()))
    expect(authInfo).toMatchObject({
      token: '',
      clientId: 'client',
      scopes: ['files:write', 'files:read'],
      resourceMetadataUrl: 'https://mcp.example/.well-known/oauth-protected-resource/mcp',
      extra: { sub: 'user-1', issuer: 'https://issuer.example' },
    })
    const elsewhere = requireBearerAuth({ verifier, expectedResource: new URL('https://other.example/mcp') })
    expect(await elsewhere(bearer(makeToken()))).toMatchObject({ status: 401 })
  })

  it.each([
    ['a dead token', () => Response.json({ active: false }), 401],
    ['an outage', () => new Response(null, { status: 500 }), 500],
  ])('answers %s through their requireBearerAuth with %j', async (_, answer, status) => {
    const { requiredScopes: _scopes, ...options } = makeOptions(answer).options
    const gate = requireBearerAuth({ verifier: authAgentVerifier(options) })
    expect(await gate(bearer(makeToken()))).toMatchObject({ status })
  })
})

function compare({ expect: wanted }: Exchange, result: PromiseSettledResult<unknown>): void {
  const code = result.status === 'rejected' && result.reason instanceof OAuthError ? result.reason.code : undefined
  // A scope that is missing is for requireBearerAuth to see.
  if (wanted.status === 200 || wanted.status === 403) expect(result.status).toBe('fulfilled')
  if (wanted.status === 401) expect(code).toBe('invalid_token')
  if (wanted.status === 503) expect(code).toBe('server_error')
  if (wanted.user === undefined || result.status !== 'fulfilled') return
  const { scopes, client_id, expiresAtSeconds, ...extra } = wanted.user as Record<string, unknown>
  expect(result.value).toMatchObject({ clientId: client_id, expiresAt: expiresAtSeconds, extra })
  expect((result.value as { scopes: unknown }).scopes).toEqual(expect.arrayContaining(scopes as unknown[]))
}
