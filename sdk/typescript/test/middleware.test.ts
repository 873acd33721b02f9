import { inspect } from 'node:util'
import { Hono } from 'hono'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { AuthAgentConfigError, authAgentMiddleware, createGuard, requireScopes, type User } from '../src/index.ts'
import { API_KEY, activeAnswer, bearer, makeOptions, makeToken } from './support.ts'

describe('the Hono middleware', () => {
  it('L25 types the user: e-mail is optional, issuer and sub are not', () => {
    new Hono().get('/', (c) => {
      expectTypeOf(c.get('user')).toEqualTypeOf<User>()
      return c.body(null)
    })
    expectTypeOf<User['email']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<User['issuer']>().toEqualTypeOf<string>()
    expectTypeOf<User>().not.toHaveProperty('token')
  })

  it('L26 keeps the token out of the context', async () => {
    const { options } = makeOptions(() => activeAnswer())
    const token = makeToken()
    const app = new Hono().use(authAgentMiddleware(options)).get('*', (c) => c.text(inspect(c.var, { depth: 9 })))
    const text = await (await app.fetch(bearer(token))).text()
    expect(text).toContain('user-1')
    expect(text).not.toContain(token.slice(-40))
  })

  it('L18 never mixes the users of 1,000 interleaved requests', async () => {
    const tokens = { ada: makeToken('ada'), bob: makeToken('bob') }
    const { options } = makeOptions((token) => activeAnswer({ sub: token === tokens.ada ? 'ada' : 'bob' }), {
      cacheTtlSeconds: 0,
    })
    const app = new Hono().use(authAgentMiddleware(options)).get('*', async (c) => {
      const { sub } = c.get('user')
      await new Promise((resolve) => setImmediate(resolve))
      return c.text(`${sub} ${c.get('user').sub}`)
    })
    const names = Array.from({ length: 1000 }, (_, index) => (index % 3 === 0 ? ('ada' as const) : ('bob' as const)))
    const answers = await Promise.all(names.map(async (name) => (await app.fetch(bearer(tokens[name]))).text()))
    expect(answers).toEqual(names.map((name) => `${name} ${name}`))
  })

  it('L4 does not share what it remembers with another instance', async () => {
    const first = makeOptions(() => activeAnswer())
    const second = makeOptions(() => Response.json({ active: false }))
    const token = makeToken()
    expect((await createGuard(first.options).check(bearer(token))).outcome).toBe('allowed')
    expect((await createGuard(second.options).check(bearer(token))).outcome).toBe('answer')
  })

  it('L15 refuses a WebSocket handshake without a token', async () => {
    const app = new Hono()
      .use(authAgentMiddleware(makeOptions(() => activeAnswer()).options))
      .get('*', (c) => c.body(null))
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'x',
      'sec-websocket-version': '13',
    }
    expect((await app.request('/ws', { headers })).status).toBe(401)
  })

  it('L16 leaves the errors of handlers to the application, with headers a browser client can read', async () => {
    const app = new Hono().use(authAgentMiddleware(makeOptions(() => activeAnswer()).options))
    app.get('*', () => {
      throw new Error('of the handler')
    })
    app.onError((error, c) => c.text(error.message, 500))
    const response = await app.fetch(bearer(makeToken()))
    expect([response.status, await response.text()]).toEqual([500, 'of the handler'])
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('leaves CORS headers alone that the handler has set itself', async () => {
    const app = new Hono().use(authAgentMiddleware(makeOptions(() => activeAnswer()).options))
    app.get('*', (c) => c.body(null, 204, { 'Access-Control-Allow-Origin': 'https://app.example' }))
    const response = await app.fetch(bearer(makeToken()))
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
  })
})

describe('requireScopes', () => {
  const build = (scope: string) => {
    const { options } = makeOptions(() => activeAnswer({ scope }), { scopeImplications: { admin: ['files:write'] } })
    return new Hono()
      .use(authAgentMiddleware(options))
      .post('*', requireScopes('files:write'), (c) => c.text('written'))
  }

  it('L10 refuses a route without its scope and names all scopes it needs', async () => {
    const response = await build('files:read').fetch(bearer(makeToken(), { method: 'POST' }))
    expect(response.status).toBe(403)
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope", error_description="This request needs the scopes: files:read files:write", ' +
        'scope="files:read files:write", ' +
        'resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"',
    )
  })

  it.each(['files:read files:write', 'files:read admin'])('lets %s pass', async (scope) => {
    expect((await build(scope).fetch(bearer(makeToken(), { method: 'POST' }))).status).toBe(200)
  })

  it('L14 is closed without the middleware before it', async () => {
    let ran = false
    const app = new Hono().get('*', requireScopes('a'), (c) => {
      ran = true
      return c.body(null)
    })
    app.onError((error, c) => c.text(error.message, 500))
    const response = await app.request('/')
    expect([response.status, ran]).toEqual([500, false])
    expect(await response.text()).toContain('authAgentMiddleware')
  })

  it('K9 refuses a scope with a quote at start', () => {
    expect(() => requireScopes('a"b')).toThrow(AuthAgentConfigError)
  })
})

describe('a body read for toolScopes', () => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read_file' } })
  const options = makeOptions(() => activeAnswer(), { toolScopes: { write_file: ['files:write'] } }).options

  it('is whole for the handler', async () => {
    const app = new Hono().use(authAgentMiddleware(options)).post('*', async (c) => c.text(await c.req.raw.text()))
    expect(await (await app.fetch(bearer(makeToken(), { method: 'POST', body }))).text()).toBe(body)
  })

  it('is whole for the handler when it was left half read', async () => {
    const upload = new Uint8Array(3_000_000).fill(120)
    const app = new Hono()
      .use(authAgentMiddleware(options))
      .post('*', async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)))
    expect(await (await app.fetch(bearer(makeToken(), { method: 'POST', body: upload }))).text()).toBe('3000000')
  })

  it('is checked also when a middleware before has read it', async () => {
    const app = new Hono()
    app.use(async (c, next) => {
      await c.req.json()
      await next()
    })
    app.use(authAgentMiddleware(options)).post('*', async (c) => c.json(await c.req.json()))
    const write = body.replace('read_file', 'write_file')
    expect((await app.fetch(bearer(makeToken(), { method: 'POST', body: write }))).status).toBe(403)
    const response = await app.fetch(bearer(makeToken(), { method: 'POST', body }))
    expect(await response.text()).toBe(body)
  })
})

describe('secrets', () => {
  const refuse = () => Response.json({ error: 'invalid_client' }, { status: 401 })

  it('L23 nothing the package hands out shows the key', () => {
    const { options } = makeOptions(refuse)
    for (const thing of [authAgentMiddleware(options), createGuard(options)]) {
      const shown = [JSON.stringify(thing), inspect(thing, { depth: 9, showHidden: true }), String(thing)].join()
      expect(shown).not.toContain(API_KEY.slice(3))
      expect(shown).not.toContain(btoa(API_KEY).slice(4, 40))
    }
  })

  it('L23 errors at start show no value', () => {
    const secret = 'key_veryverysecret'
    try {
      createGuard({ ...makeOptions(refuse).options, apiKey: secret })
      expect.unreachable()
    } catch (error) {
      expect(inspect(error, { depth: 9 })).not.toContain(secret)
    }
  })

  it.each([
    ['401', refuse],
    ['500', () => new Response('no', { status: 500 })],
    ['an outage', () => Promise.reject(new Error(API_KEY))],
  ])(
    'L23 L9 after %s neither log nor answer shows key or token, and the log says what is wrong once a minute',
    async (_, answer) => {
      const { options, logged } = makeOptions(answer)
      const guard = createGuard(options)
      const tokens = [makeToken(), makeToken()]
      const seen: string[] = []
      for (const token of tokens) {
        const decision = await guard.check(bearer(token))
        if (decision.outcome !== 'answer') expect.unreachable()
        else seen.push(JSON.stringify([...decision.response.headers]), await decision.response.text())
      }
      expect(logged).toHaveLength(1)
      expect(logged[0]).toMatch(/^auth-agent srv_\w+: the issuer /)
      for (const secret of [API_KEY, ...tokens]) expect([...seen, ...logged].join()).not.toContain(secret)
    },
  )

  it('tells the owner when serverUrl is not what was registered', async () => {
    const { options, logged } = makeOptions(() => activeAnswer({ aud: 'https://mcp.example/' }))
    await createGuard(options).check(bearer(makeToken()))
    expect(logged.join()).toContain('serverUrl is not, letter by letter, the URL that was registered')
  })
})
