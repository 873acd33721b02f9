import { exportJWK, generateKeyPair } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, parseConfig } from './config.ts'
import { variables } from './config-variables.ts'
import { randomBase64Url } from './crypto/random.ts'
import { chooseDependencies } from './dependencies.ts'
import { chooseNetwork } from './network.ts'

let env: Record<string, string>

async function signingKey(kid: string, more: object = {}) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: 'ES256', ...more }
}

beforeAll(async () => {
  env = {
    ISSUER: 'https://mcp.example.com',
    SUPABASE_URL: 'https://project.supabase.co',
    SUPABASE_KEY: `sb_secret_${randomBase64Url(32)}`,
    TOKEN_PEPPERS: `p1:${randomBase64Url(32)}`,
    COOKIE_KEYS: `c1:${randomBase64Url(32)}`,
    REGISTRATION_KEYS: `r1:${randomBase64Url(32)}`,
    SIGNING_KEYS: JSON.stringify([await signingKey('s1')]),
    EMAIL_SENDER: 'webhook',
    EMAIL_WEBHOOK_URL: 'https://mail.example.com/send',
    EMAIL_WEBHOOK_SECRET: randomBase64Url(32),
  }
})

function refusal(change: Record<string, unknown>): string {
  try {
    parseConfig({ ...env, ...change })
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

const jwt = (claims: object) => `${'h'.repeat(20)}.${btoa(JSON.stringify(claims)).replaceAll('=', '')}.signature`

describe('the configuration', () => {
  it('is read once and frozen', () => {
    const config = parseConfig(env)
    expect(config).toMatchObject({ issuer: 'https://mcp.example.com', issuerIsLoopback: false })
    expect(config.limits.per_ip_hour).toBe(10)
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('has per-address limits off where the issuer is on loopback (SECURITY "Limits")', () => {
    const config = parseConfig({ ...env, ISSUER: 'http://localhost:9400', SUPABASE_URL: 'http://127.0.0.1:54321' })
    expect(config.issuerIsLoopback).toBe(true)
    expect(config.limits.per_ip_hour).toBeNull()
  })

  it.each(['ISSUER', 'SUPABASE_URL', 'SUPABASE_KEY', 'TOKEN_PEPPERS', 'COOKIE_KEYS', 'SIGNING_KEYS', 'EMAIL_SENDER'])(
    'needs %s, and says so by name (SECURITY §7)',
    (name) => {
      expect(refusal({ [name]: undefined })).toContain(`${name} is missing`)
      expect(refusal({ [name]: ' ' })).toContain(`${name} is missing`)
    },
  )

  it('names every problem at once', () => {
    expect(refusal({ ISSUER: undefined, COOKIE_KEYS: 'x' })).toMatch(/ISSUER is missing.*COOKIE_KEYS must/)
  })

  it.each([
    'http://mcp.example.com',
    'https://mcp.example.com/',
    'https://MCP.example.com',
    'https://mcp.example.com/a',
    'https://mcp.example.com:443',
    'https://u@mcp.example.com',
    'mcp.example.com',
  ])('refuses the issuer %s (RFC 8414 §2)', (ISSUER) => {
    expect(refusal({ ISSUER })).toContain('ISSUER must')
  })

  it('refuses short, typed, equal and shared keys', () => {
    const key = randomBase64Url(32)
    expect(refusal({ TOKEN_PEPPERS: `p1:${randomBase64Url(31)}` })).toContain('TOKEN_PEPPERS must')
    expect(refusal({ TOKEN_PEPPERS: `p1:${'A'.repeat(43)}` })).toContain('TOKEN_PEPPERS has an example')
    expect(refusal({ TOKEN_PEPPERS: `p1:${key},p2:${key}` })).toContain('the same key twice')
    expect(refusal({ TOKEN_PEPPERS: `p1:${key},p1:${randomBase64Url(32)}` })).toContain('one kid')
    expect(refusal({ TOKEN_PEPPERS: `a:${key},b:${key},c:${key}` })).toContain('TOKEN_PEPPERS must')
    expect(refusal({ TOKEN_PEPPERS: `p1:${key}`, COOKIE_KEYS: `c1:${key}` })).toContain('COOKIE_KEYS has a key of')
  })

  it('takes any number of registration keys, newest first, none of them shared (SECURITY §5, §7)', () => {
    const keys = Array.from({ length: 5 }, (_value, place) => `r${place}:${randomBase64Url(32)}`)
    expect(parseConfig({ ...env, REGISTRATION_KEYS: keys.join(',') }).registrationKeys).toHaveLength(5)
    expect(refusal({ REGISTRATION_KEYS: undefined })).toContain('REGISTRATION_KEYS is missing')
    expect(refusal({ REGISTRATION_KEYS: `${keys[0]},${keys[0]}` })).toContain('one kid')
    expect(refusal({ REGISTRATION_KEYS: `a:${'A'.repeat(43)}` })).toContain('example')
    const shared = env.TOKEN_PEPPERS?.replace('p1', 'r1')
    expect(refusal({ REGISTRATION_KEYS: shared })).toContain('has a key of TOKEN_PEPPERS')
  })

  it('reads documents from loopback for development only (SECURITY §7, §25)', () => {
    const local = { ISSUER: 'http://localhost:9400', DOCUMENTS_ALLOW_LOOPBACK: 'on' }
    expect(parseConfig({ ...env, ...local }).documents.allowLoopback).toBe(true)
    expect(refusal({ DOCUMENTS_ALLOW_LOOPBACK: 'on' })).toContain(
      'DOCUMENTS_ALLOW_LOOPBACK needs an ISSUER on loopback',
    )
    expect(refusal({ DOCUMENTS_ALLOW_LOOPBACK: 'yes' })).toContain('must be on or off')
  })

  it('has the redirect exceptions of known clients as rows (SECURITY §25)', () => {
    const { redirectExceptions } = parseConfig(env).documents
    expect(redirectExceptions.get('https://claude.ai')).toEqual(['https://claude.com'])
    expect(redirectExceptions.get('https://insiders.vscode.dev')).toEqual(['https://vscode.dev'])
    expect(parseConfig({ ...env, REDIRECT_EXCEPTIONS: 'none' }).documents.redirectExceptions.size).toBe(0)
    expect(refusal({ REDIRECT_EXCEPTIONS: 'https://a.dev>https://b.dev/path' })).toContain('two https origins')
    expect(refusal({ DNS_RESOLVER_URL: 'http://dns.dev' })).toContain('DNS_RESOLVER_URL must be https')
  })

  it('refuses signing keys that are public, of a specification, or none in use', async () => {
    const { d, ...publicPart } = await signingKey('s1')
    const published = { ...publicPart, d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI' }
    expect(d).toBeDefined()
    expect(refusal({ SIGNING_KEYS: JSON.stringify([publicPart]) })).toContain('SIGNING_KEYS must')
    expect(refusal({ SIGNING_KEYS: JSON.stringify([published]) })).toContain('example key')
    expect(refusal({ SIGNING_KEYS: JSON.stringify([await signingKey('n', { status: 'next' })]) })).toContain(
      'no key in use',
    )
    expect(refusal({ SIGNING_KEYS: '[]' })).toContain('no key in use')
    expect(refusal({ SIGNING_KEYS: '{' })).toContain('SIGNING_KEYS must')
  })

  it('refuses the wrong key of the database', () => {
    expect(refusal({ SUPABASE_KEY: jwt({ role: 'anon' }) })).toContain('SUPABASE_KEY is a key for browsers')
    expect(refusal({ SUPABASE_KEY: jwt({ role: 'service_role', iss: 'supabase-demo' }) })).toContain('example key')
    expect(refusal({ SUPABASE_KEY: `sb_publishable_${'x'.repeat(30)}` })).toContain('publishable')
    expect(refusal({ SUPABASE_KEY: 'short' })).toContain('too short')
    expect(refusal({ SUPABASE_KEY: jwt({ role: 'mcp_worker' }) })).toBe('')
  })

  it('refuses development settings away from loopback', () => {
    expect(refusal({ SUPABASE_URL: 'http://db.example.com' })).toContain('SUPABASE_URL must be https')
    expect(refusal({ EMAIL_WEBHOOK_URL: 'http://mail.example.com' })).toContain('EMAIL_WEBHOOK_URL must be https')
    expect(refusal({ EMAIL_WEBHOOK_SECRET: 'change-me-change-me-change-me-change-me' })).toContain('is an example')
  })

  it('needs what its mail sender needs', () => {
    expect(refusal({ EMAIL_SENDER: 'resend' })).toMatch(/EMAIL_FROM is missing.*RESEND_API_KEY is missing/)
    expect(refusal({ EMAIL_SENDER: 'smtp' })).toContain('EMAIL_SENDER must be resend, cloudflare or webhook')
    const resend = { ...env, EMAIL_SENDER: 'resend', EMAIL_FROM: 'A <a@b.example>', RESEND_API_KEY: 're_123456789' }
    expect(parseConfig(resend).email).toEqual({ sender: 'resend', from: 'A <a@b.example>', apiKey: 're_123456789' })
  })

  it('A6 takes no scheme of the web as a private-use one', () => {
    expect(refusal({ PRIVATE_USE_SCHEMES: 'cursor,javascript' })).toContain('must not have javascript')
    expect(parseConfig({ ...env, PRIVATE_USE_SCHEMES: 'cursor, vscode' }).privateUseSchemes).toEqual([
      'cursor',
      'vscode',
    ])
  })

  it('overrides single numbers, and knows which there are', () => {
    expect(parseConfig({ ...env, LIMITS: '{"servers":2}' }).limits).toMatchObject({ servers: 2, keys: 10 })
    expect(refusal({ LIMITS: '{"server":2}' })).toContain('LIMITS has an unknown member: server')
    expect(refusal({ LIMITS: '{"servers":-2}' })).toContain('LIMITS must')
    expect(refusal({ LIFETIMES: '{"access_token_seconds":7200}' })).toContain('above 3600')
  })

  it('J22 leaves whoever still has a passkey a day at least to say so, but for a developer', () => {
    const wait = (seconds: number) => ({ LIFETIMES: JSON.stringify({ passkey_wait_seconds: seconds }) })
    expect(refusal(wait(86_399))).toContain('below 86400')
    expect(refusal(wait(0))).toContain('must be')
    expect(refusal(wait(2_592_001))).toContain('above 2592000')
    expect(parseConfig({ ...env, ...wait(86_400) }).lifetimes).toMatchObject({ passkey_wait_seconds: 86_400 })
    const local = { ...env, ISSUER: 'http://localhost:9400', ...wait(1) }
    expect(parseConfig(local).lifetimes).toMatchObject({ passkey_wait_seconds: 1 })
  })

  it('F24 never says a value', () => {
    const secret = randomBase64Url(20)
    for (const { name } of variables) expect(refusal({ [name]: `"${secret}` })).not.toContain(secret)
  })

  it('describes each variable once', () => {
    expect(new Set(variables.map(({ name }) => name)).size).toBe(variables.length)
  })

  it('takes Cloudflare’s e-mail binding for a sender, only where it is bound (SECURITY §7)', () => {
    const sender = { EMAIL_SENDER: 'cloudflare', EMAIL_FROM: 'Sign-in <no-reply@example.com>' }
    const config = parseConfig({ ...env, ...sender })
    expect(config.email).toEqual({ sender: 'cloudflare', from: 'Sign-in <no-reply@example.com>' })
    expect(refusal({ ...sender, EMAIL_FROM: undefined })).toContain('EMAIL_FROM is missing')
    const EMAIL = { send: () => Promise.resolve() }
    expect(() => chooseDependencies(config, chooseNetwork({}))).toThrow('needs the send_email binding EMAIL')
    expect(() => chooseDependencies(config, chooseNetwork({ EMAIL }))).not.toThrow()
  })

  it('reads the rows of providers, and says which member of which row is wrong, without the value', () => {
    const oidc = { id: 'acme', name: 'Acme', issuer: 'https://accounts.example.com', client_id: 'c' }
    const github = { kind: 'github', id: 'github', name: 'GitHub', client_id: 'c', client_secret: 's' }
    const rows = (...all: unknown[]) => ({ IDENTITY_PROVIDERS: JSON.stringify(all) })
    expect(parseConfig({ ...env, ...rows(oidc, github) }).identityProviders).toEqual([
      { ...oidc, kind: 'oidc' },
      { ...github, issuer: 'https://github.com', api_url: 'https://api.github.com' },
    ])
    const wrong: readonly [unknown[], string][] = [
      [[{ ...oidc, issuer: 'http://accounts.example.com' }], 'row 1: issuer'],
      [[{ ...oidc, issuer: 'https://accounts.example.com/' }], 'row 1: issuer'],
      [[oidc, { ...github, client_secret: undefined }], 'row 2: client_secret'],
      [[{ ...oidc, id: 'A b' }], 'row 1: id'],
      [[{ ...oidc, kind: 'saml' }], 'row 1: kind'],
      [[oidc, { ...oidc, name: 'Twice' }], 'two rows with one id or issuer'],
    ]
    for (const [all, problem] of wrong) expect(refusal(rows(...all))).toContain(problem)
    expect(refusal({ IDENTITY_PROVIDERS: 'secret' })).toBe(
      'The configuration is not usable: IDENTITY_PROVIDERS must be a JSON array',
    )
  })
})
