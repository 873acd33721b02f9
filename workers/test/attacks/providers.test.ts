import { generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { nowSeconds } from '../support/worker/clients.ts'
import { hostUrl } from '../support/worker/document-host.ts'
import { atProvider, comeBackFrom, leaveFor, openProvider, type Told } from '../support/worker/provider.ts'
import { sql } from '../support/worker/sql.ts'
import { meetVisitor, send } from '../worker/visitor.ts'

const minutes = (count: number) => nowSeconds() + count * 60
const { privateKey: othersKey } = await generateKeyPair('ES256')

const lies: readonly [string, () => Told][] = [
  ['another issuer', () => ({ claims: { iss: 'https://evil.example' } })],
  ['another audience', () => ({ claims: { aud: 'another-client' } })],
  ['several audiences without azp', () => ({ claims: { aud: ['our-client', 'another-client'] } })],
  ['another azp', () => ({ claims: { azp: 'another-client' } })],
  ['another nonce', () => ({ claims: { nonce: 'n'.repeat(43) } })],
  ['no nonce', () => ({ claims: { nonce: undefined } })],
  ['an end long ago', () => ({ claims: { exp: minutes(-10) } })],
  ['no end', () => ({ claims: { exp: undefined } })],
  ['a beginning far ahead', () => ({ claims: { nbf: minutes(10) } })],
  ['no subject', () => ({ claims: { sub: undefined } })],
  ['another access token’s hash', () => ({ claims: { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' } })],
  ['a stranger’s signature', () => ({ key: othersKey })],
  [
    'a signature by our own secret',
    () => ({ alg: 'HS256', key: new TextEncoder().encode('a secret/with:signs'.repeat(2)) }),
  ],
  ['no ID token at all', () => ({ tokens: { id_token: undefined } })],
  ['an unsigned ID token', () => ({ tokens: { id_token: `${btoa('{"alg":"none"}').replaceAll('=', '')}.e30.` } })],
  [
    'userinfo about somebody else',
    () => ({
      claims: { email: undefined },
      userinfo: { sub: 'another', email: 'v@example.com', email_verified: true },
    }),
  ],
]

describe('an answer of a provider', () => {
  it.each(lies)('with %s signs nobody in (OpenID Connect Core §3.1.3.7, §5.3.4)', async (_name, lie) => {
    const provider = await openProvider()
    const told = lie()
    const { visitor, asked } = await atProvider(provider, told)
    const answer = await comeBackFrom(provider, visitor, asked, told)
    expect([answer.status, answer.text.includes('Acme did not answer as it should')]).toEqual([400, true])
    expect(visitor.cookies.has('session')).toBe(false)
    expect(await sql('select from mcp_data.identities where issuer = $1', [provider.issuer])).toEqual([])
  })

  it.each([
    ['says another iss', { iss: 'https://evil.example' }, {}],
    ['leaves iss out though its metadata promises it', {}, { authorization_response_iss_parameter_supported: true }],
  ])('A21 that %s is a mix-up (RFC 9207 §2.4)', async (_name, parameters, metadata) => {
    const provider = await openProvider()
    const { visitor, asked } = await atProvider(provider, { metadata })
    const answer = await comeBackFrom(provider, visitor, asked, { metadata, answer: parameters })
    expect([answer.status, visitor.cookies.has('session')]).toEqual([400, false])
  })

  it('A21 that says its iss is taken', async () => {
    const provider = await openProvider()
    const metadata = { authorization_response_iss_parameter_supported: true }
    const { visitor, asked } = await atProvider(provider, { metadata })
    const answer = await comeBackFrom(provider, visitor, asked, { metadata, answer: { iss: provider.issuer } })
    expect(answer.location?.pathname).toBe('/sign-in/code')
  })

  it.each([
    ['none', undefined],
    ['somebody’s', 'x'.repeat(22)],
    ['a shape of ours', `${'a'.repeat(22)}.${'b'.repeat(22)}.${'c'.repeat(43)}`],
  ])('B5 with %s state is not looked at (RFC 9700 §4.7.1)', async (_name, state) => {
    const provider = await openProvider()
    const { visitor, asked } = await atProvider(provider)
    const answer = await comeBackFrom(provider, visitor, asked, { answer: { state } })
    expect([answer.status, answer.text.includes('was not begun in this browser')]).toEqual([400, true])
  })

  it('B5 B11 to another browser’s request signs nobody in there (login CSRF)', async () => {
    const provider = await openProvider()
    const attacker = await atProvider(provider)
    const victim = meetVisitor(provider.variables)
    await leaveFor(victim)
    const answer = await comeBackFrom(provider, victim, attacker.asked)
    expect([answer.status, victim.cookies.has('session')]).toEqual([400, false])
    // Before its code is redeemed, and not only because the transaction is another browser's.
    expect(answer.text).toContain('was not begun in this browser')
    const stranger = await send(`/sign-in/callback/acme${attacker.asked.search}`, {}, provider.variables)
    expect([stranger.status, stranger.text.includes('was not begun in this browser')]).toEqual([400, true])
  })

  it('of one provider is not taken for that of another (RFC 9700 §4.4)', async () => {
    const provider = await openProvider()
    const rows = JSON.parse(String(provider.variables.IDENTITY_PROVIDERS)) as Record<string, unknown>[]
    const both = [...rows, { ...rows[0], id: 'other', name: 'Other', issuer: hostUrl(`/${crypto.randomUUID()}`) }]
    const twice = { ...provider, variables: { ...provider.variables, IDENTITY_PROVIDERS: JSON.stringify(both) } }
    const { visitor, asked } = await atProvider(twice)
    const path = `/sign-in/callback/other?code=c&state=${encodeURIComponent(asked.searchParams.get('state') ?? '')}`
    expect((await visitor.open(path)).text).toContain('was not begun in this browser')
  })

  it.each([
    ['is not verified', { email_verified: false }],
    ['is said to be verified by nobody', { email_verified: undefined }],
    ['is no address', { email: 'victim@example.com,evil@example.com' }],
  ])('C10 whose address %s links nothing', async (_name, claims) => {
    const provider = await openProvider()
    const { visitor, asked } = await atProvider(provider)
    const answer = await comeBackFrom(provider, visitor, asked, { claims })
    expect([answer.status, answer.text.includes('has not verified an e-mail address')]).toEqual([400, true])
  })

  it('C20 for a victim’s address opens no account of the victim’s without the code', async () => {
    const victim = meetVisitor()
    await victim.signIn(await victim.open('/sign-in'))
    const provider = await openProvider()
    const { visitor, asked } = await atProvider(provider)
    await comeBackFrom(provider, visitor, asked, { claims: { email: victim.email } })
    expect(visitor.cookies.has('session')).toBe(false)
    const again = await leaveFor(visitor)
    const answer = await comeBackFrom(provider, visitor, again, { claims: { email: victim.email } })
    expect([answer.location?.pathname, visitor.cookies.has('session')]).toEqual(['/sign-in/code', false])
  })
})

describe('the metadata of a provider', () => {
  it.each([
    ['another issuer', { issuer: 'https://evil.example' }],
    ['no token endpoint', { token_endpoint: undefined }],
  ])('with %s is not believed (OpenID Connect Discovery 1.0 §4.3)', async (_name, metadata) => {
    await expect(atProvider(await openProvider(), { metadata })).rejects.toThrow('Acme did not answer as it should')
  })

  it('E5 that leads to our own database or issuer is not followed there', async () => {
    for (const token_endpoint of ['http://localhost:9400/token', 'http://127.0.0.1:9400/api/servers']) {
      const provider = await openProvider()
      const { visitor, asked } = await atProvider(provider, { metadata: { token_endpoint } })
      const answer = await comeBackFrom(provider, visitor, asked, { metadata: { token_endpoint } })
      expect([token_endpoint, answer.status, visitor.cookies.has('session')]).toEqual([token_endpoint, 400, false])
    }
  })
})

it('an unknown provider is no page to be redirected from', async () => {
  for (const path of ['/sign-in/provider/evil', '/sign-in/callback/evil?code=c&state=s', '/sign-in/provider/..%2f..']) {
    const answer = await send(path)
    expect([path, answer.status, answer.location]).toEqual([path, 404, null])
  }
})
