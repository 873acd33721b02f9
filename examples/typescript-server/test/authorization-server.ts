import { randomBytes } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { listen } from './listen.ts'

export const SERVER_ID = 'srv_0123456789abcdefghijAB'
export const API_KEY = `sk_${'k'.repeat(61)}`

/** An authorization server that says yes to everything it is asked, and writes down what that was. */
export async function startAuthorizationServer(serverUrl: () => string) {
  const app = new Hono()
  const codes = new Map<string, string>()
  const tokens = new Map<string, string>()
  const asked: string[] = []
  const { url: issuer, close } = await listen((request) => app.fetch(request))

  app.get('/.well-known/oauth-authorization-server', (c) => c.json(describe(issuer)))
  app.get('/authorize', (c) => {
    const { redirect_uri = '', scope = '', state = '' } = c.req.query()
    asked.push(scope)
    const code = randomBytes(16).toString('hex')
    codes.set(code, scope)
    return c.redirect(`${redirect_uri}?${new URLSearchParams({ code, state, iss: issuer })}`, 303)
  })
  app.post('/token', async (c) => {
    const form = await c.req.parseBody()
    const scope = codes.get(String(form.code))
    if (scope === undefined || form.resource !== serverUrl()) return c.json({ error: 'invalid_grant' }, 400)
    const access_token = issueToken(scope)
    return c.json({ access_token, token_type: 'Bearer', expires_in: 3600, scope })
  })
  app.post('/introspect', async (c) => c.json(await introspect(c)))

  function issueToken(scope: string): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signature = randomBytes(64).toString('base64url')
    const token = `${part({ typ: 'at+jwt', alg: 'ES256' })}.${part({ sub: 'user-1' })}.${signature}`
    tokens.set(token, scope)
    return token
  }

  async function introspect(c: Context): Promise<object> {
    if (c.req.header('authorization') !== `Basic ${btoa(`${SERVER_ID}:${API_KEY}`)}`) throw new Error('wrong key')
    const scope = tokens.get(String((await c.req.parseBody()).token))
    if (scope === undefined) return { active: false }
    const exp = Math.floor(Date.now() / 1000) + 3600
    return { active: true, sub: 'user-1', client_id: 'client_test', scope, aud: serverUrl(), iss: issuer, exp }
  }

  return { issuer, asked, issueToken, revoke: (token: string) => tokens.delete(token), close }
}

function describe(issuer: string): object {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    authorization_response_iss_parameter_supported: true,
  }
}
