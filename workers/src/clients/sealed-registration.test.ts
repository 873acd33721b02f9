import { describe, expect, test } from 'vitest'
import { createSeal } from '../crypto/seal.ts'
import { OAuthError } from '../protocol/errors.ts'
import { sealRegistration } from './sealed-registration.ts'

const key = { kid: 'r1', key: crypto.getRandomValues(new Uint8Array(32)) }
const seal = createSeal([key])
const settings = { privateUseSchemes: ['cursor', 'vscode'], allowLoopback: false, random: 'AAAAAAAAAAAAAAAAAAAAAA' }

const loopback = 'http://localhost:3118/callback'
const publicClient = { client_name: 'A', redirect_uris: [loopback], token_endpoint_auth_method: 'none' }
const register = (json: unknown, random = settings.random) => sealRegistration(seal, json, { ...settings, random })

async function refusal(json: unknown): Promise<{ error: string; description: string }> {
  try {
    await register(json)
  } catch (error) {
    if (error instanceof OAuthError) return { error: error.error, description: error.description }
  }
  throw new Error('it was registered')
}

describe('dynamic registration (RFC 7591)', () => {
  test('the same public metadata gives the same id, another name another id', async () => {
    const one = await register(publicClient)
    expect((await register({ ...publicClient, contacts: ['x'] }, 'BBBBBBBBBBBBBBBBBBBBBB')).client_id).toBe(
      one.client_id,
    )
    expect((await register({ ...publicClient, client_name: 'B' })).client_id).not.toBe(one.client_id)
    expect(one).not.toHaveProperty('client_secret')
  })

  test('a confidential client has a secret of its own, and copied metadata is another client', async () => {
    const json = { ...publicClient, token_endpoint_auth_method: 'client_secret_post' }
    const one = await register(json)
    const copy = await register(json, 'BBBBBBBBBBBBBBBBBBBBBB')
    expect(copy.client_id).not.toBe(one.client_id)
    expect(copy.client_secret).not.toBe(one.client_secret)
    expect(one).toMatchObject({ client_secret: expect.stringMatching(/^dcs_/), client_secret_expires_at: 0 })
  })

  test('an absent method is client_secret_basic, and the answer says so (RFC 7591 §2)', async () => {
    const { token_endpoint_auth_method: _absent, ...json } = publicClient
    expect(await register(json)).toMatchObject({
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret: expect.any(String),
    })
  })

  test.each([
    [[loopback], 'native'],
    [['cursor://anysphere.cursor-mcp/oauth/callback', 'https://www.cursor.com/agents/mcp/oauth/callback'], 'native'],
    [['https://good.dev/cb'], 'web'],
  ])('infers application_type from %j', async (redirect_uris, application_type) => {
    expect(await register({ ...publicClient, redirect_uris, application_type: 'web' })).toMatchObject({
      application_type,
    })
  })

  test('keeps the good ones of a mixed set of redirect URIs', async () => {
    const redirect_uris = ['unknown-editor://callback', loopback, 'https://*.evil/cb']
    expect(await register({ ...publicClient, redirect_uris })).toMatchObject({ redirect_uris: [loopback] })
  })

  test('leaves out grant types it does not know', async () => {
    const grant_types = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:jwt-bearer']
    expect(await register({ ...publicClient, grant_types })).toMatchObject({
      grant_types: ['authorization_code', 'refresh_token'],
    })
  })

  const refusesRedirects = async (redirect_uris: readonly unknown[]) =>
    expect((await refusal({ ...publicClient, redirect_uris })).error).toBe('invalid_redirect_uri')
  test.each([
    [['JaVaScript:alert(1)']],
    [['data:text/html,x']],
    [['vbscript:x']],
    [['file:///etc/passwd']],
    [['blob:https://good.dev/x']],
    [[' https://good.dev/cb']],
    [['http://good.dev/cb']],
  ])('A6 refuses the redirect URIs %j', refusesRedirects)
  test.each([
    [[]],
    [['https://*.evil']],
    [['https://good.dev/cb#f']],
    [['https://u@good.dev/cb']],
    [Array.from({ length: 50 }, (_value, place) => `https://good.dev/${place}`)],
    [[`https://good.dev/${'a'.repeat(600)}`]],
  ])('D2 refuses the redirect URIs %j', refusesRedirects)

  test('D3 D13 members that would give trust change nothing', async () => {
    const json = JSON.parse(
      `{"client_id":"x","trusted":true,"skip_consent":true,"owner":"me","scope":"all","__proto__":{"trusted":true},"constructor":{},` +
        `"client_name":"A","redirect_uris":["${loopback}"],"token_endpoint_auth_method":"none"}`,
    )
    expect(await register(json)).toEqual(await register(publicClient))
  })

  const refusesMetadata = async (change: Record<string, unknown>) =>
    expect((await refusal({ ...publicClient, ...change })).error).toBe('invalid_client_metadata')
  test.each([
    { grant_types: ['implicit'] },
    { grant_types: ['password'] },
    { grant_types: ['client_credentials'] },
    { grant_types: [] },
    { response_types: ['token'] },
    { response_types: ['code token'] },
  ])('D4 refuses %j as invalid_client_metadata', refusesMetadata)
  test.each([
    { token_endpoint_auth_method: 'client_secret_jwt' },
    { token_endpoint_auth_method: 'tls_client_auth' },
    { token_endpoint_auth_method: 'private_key_jwt' },
  ])('D5 refuses %j as invalid_client_metadata: nothing it could be held to', refusesMetadata)
  test.each([{ jwks: { keys: [{ kty: 'EC', d: 'x' }] } }, { jwks: { keys: [{ kty: 'oct', k: 'x' }] } }])(
    'E11 refuses the secret key in %j',
    refusesMetadata,
  )
  test.each([
    { client_uri: 'javascript:1' },
    { policy_uri: 'https://user@evil.dev/' },
    { tos_uri: 'http://good.dev' },
    { client_uri: 'https://good.dev/x y' },
    { client_uri: 'http://localhost.evil.dev' },
    { client_uri: 'http://user@localhost' },
    { logo_uri: 'http://localhost:9400@evil.dev/' },
    { policy_uri: 'ftp://localhost' },
  ])('B19 refuses %j as invalid_client_metadata', refusesMetadata)
  test.each([{ logo_uri: 'http://169.254.169.254/' }, { jwks_uri: 'http://169.254.169.254/' }])(
    'D8 refuses %j, and asks nobody for it',
    refusesMetadata,
  )
  test.each([
    { client_name: 'Cl\u0430ude Code' },
    { client_name: 'A\u202Eedoc' },
    { client_name: 'C1aude' },
    { client_name: 'Tool\u200b' },
  ])('B20 refuses the name in %j', refusesMetadata)
  test.each([
    { client_name: { a: 1 } },
    { client_name: 'x'.repeat(101) },
    { redirect_uris: loopback, grant_types: 'authorization_code' },
  ])('D10 refuses %j, which is of another type or size', async (change) => {
    expect((await refusal({ ...publicClient, ...change })).error).toMatch(/^invalid_(client_metadata|redirect_uri)$/)
  })

  test.each([[[]], ['x'], [null], [1]])('D10 refuses %j, which is no object', async (json) => {
    expect((await refusal(json)).error).toBe('invalid_client_metadata')
  })

  test('D7 refuses a software statement that nobody could verify', async () => {
    expect((await refusal({ ...publicClient, software_statement: 'x' })).error).toBe('invalid_software_statement')
  })

  test('says what to shorten when the id would be too long', async () => {
    const redirect_uris = Array.from({ length: 10 }, (_value, place) => `https://good.dev/${place}${'a'.repeat(300)}`)
    expect(await refusal({ ...publicClient, redirect_uris })).toMatchObject({ error: 'invalid_client_metadata' })
  })

  test('a name of its vendor may be registered: the page says that nobody verified it (INTEROP 4.5)', async () => {
    expect(await register({ ...publicClient, client_name: 'Cursor' })).toMatchObject({ client_name: 'Cursor' })
  })

  test('D6 an id never looks like the URL of a metadata document', async () => {
    expect((await register(publicClient)).client_id).toMatch(/^dcr_[A-Za-z0-9._-]{1,2044}$/)
  })
})
