import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import Provider from 'oidc-provider'

/** A running provider, with which people have an account under the name they type there. */
export type Upstream = { readonly close: () => Promise<void> }

const secret = 'a-client-secret-that-nobody-else-has'
export const upstreamClient = { client_id: 'auth-agent', client_secret: secret } as const
/** Whose address it is, by the name. */
export const addressOf = (login: string) => `${login}@example.org`

async function closing(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

/** A real OpenID Connect provider (oidc-provider): it insists on PKCE, and tells the address at userinfo. */
export async function startOidcProvider(port: number, redirect_uri: string): Promise<Upstream> {
  const provider = new Provider(`http://localhost:${port}`, {
    clients: [{ ...upstreamClient, redirect_uris: [redirect_uri], response_types: ['code'] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, email: addressOf(accountId), email_verified: true }),
    }),
  })
  const server = provider.listen(port, 'localhost')
  await once(server, 'listening')
  return { close: () => closing(server) }
}

type Asked = { readonly login: string; readonly challenge: string; readonly redirect_uri: string }

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return new URLSearchParams(text)
}

/** What GitHub's documentation says of OAuth apps, PKCE included, and of the two calls of its API; whoever comes is asked for a name. */
export async function startGithub(port: number, redirect_uri: string): Promise<Upstream> {
  const codes = new Map<string, Asked>()
  const tokens = new Map<string, string>()
  const json = (response: ServerResponse, body: unknown, status = 200) =>
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
  const authorize = (query: URLSearchParams, response: ServerResponse) => {
    const fields = [...query].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`).join('')
    const form = `<form action="/login"><input id="login" name="login">${fields}<button>Authorize</button></form>`
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>Sign in</title>${form}`)
  }
  const login = (query: URLSearchParams, response: ServerResponse) => {
    const isOurs = query.get('client_id') === upstreamClient.client_id && query.get('redirect_uri') === redirect_uri
    const isPkce = query.get('code_challenge_method') === 'S256'
    if (!isOurs || !isPkce)
      return response.writeHead(400).end('The redirect_uri is not associated with this application.')
    const code = randomBytes(10).toString('hex')
    codes.set(code, { login: query.get('login') ?? '', challenge: query.get('code_challenge') ?? '', redirect_uri })
    const to = new URL(redirect_uri)
    to.search = new URLSearchParams({ code, state: query.get('state') ?? '' }).toString()
    return response.writeHead(302, { location: to.href }).end()
  }
  const redeem = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bodyOf(request)
    const asked = codes.get(body.get('code') ?? '')
    codes.delete(body.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url')
    if (asked === undefined || body.get('client_secret') !== secret || asked.challenge !== challenge) {
      return json(response, { error: 'bad_verification_code' })
    }
    const access_token = `gho_${randomBytes(18).toString('hex')}`
    tokens.set(access_token, asked.login)
    return json(response, { access_token, token_type: 'bearer', scope: 'read:user,user:email' })
  }
  const api = (path: string, request: IncomingMessage, response: ServerResponse) => {
    const name = tokens.get((request.headers.authorization ?? '').replace('Bearer ', ''))
    if (name === undefined || request.headers['user-agent'] === undefined)
      return json(response, { message: 'Bad credentials' }, 401)
    const id = Number.parseInt(createHash('sha256').update(name).digest('hex').slice(0, 8), 16) + 1
    if (path === '/user') return json(response, { login: name, id })
    return json(response, [{ email: addressOf(name), primary: true, verified: true, visibility: 'private' }])
  }
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/login/oauth/authorize') authorize(searchParams, response)
    else if (pathname === '/login') login(searchParams, response)
    else if (pathname === '/login/oauth/access_token') void redeem(request, response)
    else if (pathname === '/user' || pathname === '/user/emails') api(pathname, request, response)
    else response.writeHead(404).end()
  })
  server.listen(port, 'localhost')
  await once(server, 'listening')
  return { close: () => closing(server) }
}
