import { createClient } from '@supabase/supabase-js'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeApiKey } from '../src/api-key.ts'
import { call, jwtSecret, openSurface, type Surface, secretKey } from './surfaces.ts'

describe.each(['embedded', 'real'] as const)('the surface of PostgREST over the %s database', (kind) => {
  let surface: Surface
  beforeAll(async () => {
    surface = await openSurface(kind)
  })
  afterAll(() => surface?.close())

  const refusal = async (name: string, args: object, options = {}): Promise<Record<string, unknown>> => {
    const response = await call(surface, name, args, options)
    return { status: response.status, ...((await response.json()) as Record<string, unknown>) }
  }
  const answer = async (name: string, args: object = {}) => (await call(surface, name, args)).json()

  it('passes arguments by name, with defaults for those left out', async () => {
    expect(await answer('describe', { p_text: 'it\'s \\ "x" \u{1f600}', p_bytes: ['\\x00ff', '\\x'] })).toEqual({
      text: 'it\'s \\ "x" \u{1f600}',
      bytes: 2,
      number: 7,
    })
    expect(await answer('describe', { p_number: 1, p_text: null })).toEqual({ text: null, bytes: null, number: 1 })
  })

  it('gives sets as arrays, tables as arrays of objects, text as a JSON string, and 204 for void', async () => {
    expect(await answer('several', { p_count: 3 })).toEqual([1, 2, 3])
    expect(await answer('several', { p_count: 0 })).toEqual([])
    expect(await answer('pairs')).toEqual([
      { name: 'a', size: 1 },
      { name: 'b', size: 2 },
    ])
    expect(await answer('plain_text')).toBe('it\'s "quoted"')
    expect((await call(surface, 'nothing', {})).status).toBe(204)
    expect(await answer('whoami', {})).toMatchObject({ role: 'surface_worker' })
  })

  it("acts as the key's role under the login role, and shows the key's claims", async () => {
    expect(await answer('whoami')).toEqual({
      role: 'surface_worker',
      login: 'authenticator',
      claims: { role: 'surface_worker', iss: 'supabase' },
      headers: null,
    })
    expect(await (await call(surface, 'whoami', {}, { key: secretKey })).json()).toMatchObject({ role: 'service_role' })
    const [row] = await surface.backend.query('select current_user::text as name', [])
    expect(row?.name).toBe('postgres')
  })

  it('lets a signed-in person beat the project key in apikey', async () => {
    const options = { headers: { apikey: await makeApiKey('anon', jwtSecret) } }
    expect((await call(surface, 'whoami', {}, options)).status).toBe(200)
  })

  it('refuses a missing key as PostgREST without an anonymous role does', async () => {
    const response = await call(surface, 'whoami', {}, { headers: { apikey: undefined, authorization: undefined } })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(await response.json()).toMatchObject({ code: 'PGRST302', message: 'Anonymous access is disabled' })
  })

  it('refuses a key with a wrong signature, no signature or an old date', async () => {
    const foreign = await makeApiKey('service_role', 'another secret of thirty-two characters')
    expect(await refusal('whoami', {}, { key: foreign })).toMatchObject({ status: 401, code: 'PGRST301' })
    expect(await refusal('whoami', {}, { key: 'nonsense' })).toMatchObject({ status: 401, code: 'PGRST301' })
    expect(await refusal('whoami', {}, { key: `${secretKey}x` })).toMatchObject({ status: 401, code: 'PGRST301' })
    const [, payload] = (await makeApiKey('service_role', jwtSecret)).split('.')
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    expect(await refusal('whoami', {}, { key: unsigned })).toMatchObject({ status: 401, code: 'PGRST301' })
    const old = await new SignJWT({ role: 'surface_worker' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(1)
      .sign(new TextEncoder().encode(jwtSecret))
    expect(await refusal('whoami', {}, { key: old })).toMatchObject({
      status: 401,
      code: 'PGRST303',
      message: 'JWT expired',
    })
  })

  it('refuses roles without a grant: 401 for the anonymous, 403 for others', async () => {
    expect(await refusal('whoami', {}, { role: 'anon' })).toMatchObject({ status: 401, code: '42501' })
    expect(await refusal('whoami', {}, { role: 'authenticated' })).toMatchObject({ status: 403, code: '42501' })
    expect(await refusal('guarded', {})).toMatchObject({
      status: 403,
      code: '42501',
      message: 'permission denied for function guarded',
    })
  })

  it('refuses roles that the login role may not take on', async () => {
    expect(await refusal('whoami', {}, { role: 'postgres' })).toMatchObject({ status: 403, code: '42501' })
    expect(await refusal('whoami', {}, { role: 'nobody_of_that_name' })).toMatchObject({ status: 400, code: '22023' })
    const quoting = `x', true), set_config('role', 'postgres`
    expect(await refusal('whoami', {}, { role: quoting })).toMatchObject({ status: 400, code: '22023' })
  })

  it('does not find unknown functions, unknown arguments, or calls with an argument missing', async () => {
    for (const [name, args] of [
      ['nowhere', {}],
      ['describe', { p_text: 'x', p_unknown: 1 }],
      ['describe', {}],
      ['elsewhere', {}],
    ] as const) {
      expect(await refusal(name, args)).toMatchObject({ status: 404, code: 'PGRST202' })
    }
    expect((await refusal('nowhere', { p_b: 1, p_a: 2 })).message).toBe(
      'Could not find the function mcp.nowhere(p_a, p_b) in the schema cache',
    )
    expect(await refusal('overloaded', { p_value: 1 })).toMatchObject({ status: 300, code: 'PGRST203' })
  })

  it('finds a function that was made after the start', async () => {
    await surface.backend.query(`create function mcp.late() returns int language sql as 'select 1';
      grant execute on function mcp.late() to surface_worker`)
    expect(await answer('late')).toBe(1)
  })

  it('exposes schema mcp alone', async () => {
    for (const schema of ['public', 'hidden', 'pg_catalog', undefined]) {
      const options = { headers: { 'content-profile': schema } }
      expect(await refusal('elsewhere', {}, options)).toMatchObject({ status: 406, code: 'PGRST106' })
    }
  })

  it('refuses bodies that are no JSON object', async () => {
    for (const body of ['{', '[]', 'null', '"x"', '1', '{"p_text":"x"} {}']) {
      expect(await refusal('describe', {}, { body })).toMatchObject({ status: 400, code: 'PGRST102' })
    }
    expect((await call(surface, 'whoami', {}, { body: '' })).status).toBe(200)
  })

  it('tells errors of the database with their code, detail and hint', async () => {
    const fail = (code: string) => refusal('fail', { p_code: code, p_message: 'broken' })
    expect(await fail('P0001')).toEqual({
      status: 400,
      code: 'P0001',
      message: 'broken',
      details: 'why',
      hint: 'what to do',
    })
    expect(await fail('23505')).toMatchObject({ status: 409, code: '23505' })
    expect(await fail('PT402')).toMatchObject({ status: 402, code: 'PT402' })
    expect(await fail('40001')).toMatchObject({ status: 500, code: '40001' })
    expect(await refusal('several', { p_count: 'many' })).toMatchObject({ status: 400, code: '22P02' })
  })

  it('makes one transaction of a call: a failure leaves nothing behind, and nothing of it in the connection', async () => {
    expect(await refusal('write_then_fail', { p_note: 'x' })).toMatchObject({ status: 400, code: 'P0001' })
    expect(await surface.backend.query('select * from hidden.calls', [])).toEqual([])
    const [row] = await surface.backend.query(
      `select current_user::text as role,
      coalesce(current_setting('request.jwt.claims', true), '') as claims`,
      [],
    )
    expect(row).toEqual({ role: 'postgres', claims: '' })
  })

  it('serves supabase-js as it is', async () => {
    const options = { db: { schema: 'mcp' }, auth: { persistSession: false, autoRefreshToken: false } }
    for (const key of [await makeApiKey('surface_worker', jwtSecret), secretKey]) {
      const client = createClient(surface.url, key, options)
      expect(await client.rpc('describe', { p_text: 'x', p_bytes: ['\\x01'] })).toMatchObject({
        error: null,
        data: { text: 'x', bytes: 1 },
      })
      expect(await client.rpc('nothing')).toMatchObject({ error: null, data: null, status: 204 })
      expect((await client.rpc('nowhere')).error).toMatchObject({ code: 'PGRST202' })
    }
  })

  it('keeps calls apart that arrive together', async () => {
    const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`)
    const answers = await Promise.all(texts.map((p_text) => answer('describe', { p_text })))
    expect(answers.map((given) => (given as Record<string, unknown>).text)).toEqual(texts)
  })
})

describe('a real database', () => {
  it("ends a statement after the role's statement_timeout", async () => {
    const surface = await openSurface('real')
    const response = await call(surface, 'wait', { p_seconds: 60 }, { role: 'surface_hurried' })
    expect({ status: response.status, ...((await response.json()) as Record<string, unknown>) }).toMatchObject({
      status: 500,
      code: '57014',
    })
    await surface.close()
  })
})
