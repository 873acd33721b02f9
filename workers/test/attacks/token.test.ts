import { beforeAll, describe, expect, it } from 'vitest'
import {
  authorize,
  basic,
  connect,
  exchange,
  form,
  type Grant,
  house,
  isActive,
  type Owner,
  openServer,
  refresh,
  tokensOf,
} from '../support/worker/flow.ts'
import { type Answer, brokenStore, openHouse, silentStore } from '../support/worker/house.ts'
import { changeConnection, eventsOf, sql } from '../support/worker/sql.ts'
import { clientId, type Fields } from '../worker/requests.ts'
import { meetVisitor } from '../worker/visitor.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

const newGrant = (fields: Fields = {}) => authorize({ resource: owner.server_url, ...fields })

async function refusesAndKeeps(grant: Grant, wrong: Fields, [status, error]: [number, string]): Promise<void> {
  const answer = await exchange(grant, wrong)
  expect([answer.status, answer.json?.error]).toEqual([status, error])
  expect((await exchange(grant)).status).toBe(200)
}

const refusal = ({ status, json }: Answer) => [status, json?.error]

/** A registered client beside the usual one. */
async function otherClient(method = 'none'): Promise<string> {
  const client_id = `client_${crypto.randomUUID().slice(0, 8)}`
  const text = `insert into mcp_data.clients (client_id, client_name, redirect_uris, token_endpoint_auth_method)
    values ($1, 'Other', array['http://localhost/callback'], $2)`
  await sql(text, [client_id, method])
  return client_id
}

describe('the code', () => {
  it('F1 is refused a second time, and everything that came from it is revoked (OAuth 2.1 §7.5.3)', async () => {
    const grant = await newGrant()
    const tokens = tokensOf(await exchange(grant))
    expect(await isActive(owner, tokens.access_token)).toBe(true)
    const replay = await exchange(grant)
    expect(refusal(replay)).toEqual([400, 'invalid_grant'])
    expect(replay.json?.error_uri).toBe(`${house.issuer}/errors#code_replayed`)
    expect(await isActive(owner, tokens.access_token)).toBe(false)
    expect(refusal(await refresh(tokens.refresh_token))).toEqual([400, 'invalid_grant'])
    expect(await eventsOf(grant.code)).toContain('authorization_code.replayed')
  })

  it('F2 kills nothing when it is replayed with a wrong verifier or by another client', async () => {
    const grant = await newGrant()
    const tokens = tokensOf(await exchange(grant))
    expect(refusal(await exchange(grant, { code_verifier: 'v'.repeat(43) }))).toEqual([400, 'invalid_grant'])
    expect(refusal(await exchange(grant, { client_id: await otherClient() }))).toEqual([400, 'invalid_grant'])
    expect(refusal(await exchange(grant, { redirect_uri: 'http://localhost:1/callback' }))).toEqual([
      400,
      'invalid_grant',
    ])
    expect(await isActive(owner, tokens.access_token)).toBe(true)
    expect((await refresh(tokens.refresh_token)).status).toBe(200)
  })

  it('F3 gives one set of tokens to parallel redemptions, which ends revoked: the others are valid replays', async () => {
    const grant = await newGrant()
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(grant)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    expect(answers.filter((answer) => answer.json?.error === 'invalid_grant')).toHaveLength(19)
    const rows = await sql('select revoked_reason from mcp_data.connections where connection_id = $1', [
      grant.code.slice(4, 26),
    ])
    expect(rows).toEqual([{ revoked_reason: 'code_replayed' }])
  })

  it('F4 is bound to its verifier, and a wrong one does not burn it (RFC 7636 §4.6)', async () => {
    const [a, b] = [await newGrant(), await newGrant()]
    await refusesAndKeeps(a, { code_verifier: b.verifier }, [400, 'invalid_grant'])
    expect(await eventsOf(a.code)).toContain('pkce.failed')
  })

  it('F5 is bound to its client, and works on for the right one (OAuth 2.1 §4.1.3)', async () => {
    await refusesAndKeeps(await newGrant(), { client_id: await otherClient() }, [400, 'invalid_grant'])
  })

  it('F6 needs the redirect_uri of its request where one is sent', async () => {
    await refusesAndKeeps(await newGrant(), { redirect_uri: 'http://localhost:51005/callback' }, [400, 'invalid_grant'])
  })

  it.each([
    ['missing', undefined],
    ['of 42 characters', 'a'.repeat(42)],
    ['of 129 characters', 'a'.repeat(129)],
    ['with illegal characters', `${'a'.repeat(43)}!`],
  ])('F8 is not burnt by a verifier that is %s (RFC 7636 §4.1)', async (_name, code_verifier) => {
    await refusesAndKeeps(await newGrant(), { code_verifier }, [400, 'invalid_request'])
  })

  it('F9 expires, by the clock of the database (OAuth 2.1 §4.1.2)', async () => {
    const grant = await newGrant()
    await changeConnection(
      grant.code,
      "created_at = now() - interval '2 minutes', code_expires_at = now() - interval '1 second'",
    )
    const answer = await exchange(grant)
    expect(refusal(answer)).toEqual([400, 'invalid_grant'])
    expect(answer.json?.error_uri).toContain('#code_expired')
  })

  it('F10 F27 is not burnt by another resource, which is invalid_target (RFC 8707 §2.2)', async () => {
    const elsewhere = (await openServer()).server_url
    await refusesAndKeeps(await newGrant(), { resource: elsewhere }, [400, 'invalid_target'])
  })

  it('F27 takes the resource that was authorized, in an equivalent spelling (INTEROP 4.2)', async () => {
    const resource = owner.server_url.replace('http://localhost', 'HTTP://LOCALHOST')
    expect((await exchange(await newGrant(), { resource })).status).toBe(200)
  })

  it('F26 is not burnt by a wider scope; a narrower one is told in the answer (RFC 6749 §3.3)', async () => {
    await refusesAndKeeps(await newGrant({ scope: 'files:read' }), { scope: 'files:read files:write' }, [
      400,
      'invalid_scope',
    ])
    expect((await exchange(await newGrant(), { scope: 'files:read' })).json?.scope).toBe('files:read')
  })

  it('F28 is dead when its account, client or server died meanwhile', async () => {
    const someone = meetVisitor()
    const grant = await authorize({ resource: owner.server_url }, someone)
    await sql('update mcp_data.accounts set disabled_at = now() where email = $1', [someone.email])
    expect(refusal(await exchange(grant))).toEqual([400, 'invalid_grant'])

    const dying = await openServer()
    const late = await authorize({ resource: dying.server_url })
    await house.send(`/api/servers/${dying.server_id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${dying.management_token}` },
    })
    expect(refusal(await exchange(late))).toEqual([400, 'invalid_grant'])
  })
})

describe('client authentication', () => {
  it('F11 refuses a client without its registered method, and a public one that sends a secret', async () => {
    const confidential = await otherClient('client_secret_basic')
    const grant = await newGrant()
    for (const fields of [{ client_id: confidential }, { client_secret: 'a-secret' }]) {
      const answer = await exchange(grant, fields)
      expect(refusal(answer)).toEqual([401, 'invalid_client'])
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
    }
    expect((await exchange(grant)).status).toBe(200)
  })

  it('F12 refuses two credentials at once, and a Basic user that differs from client_id (RFC 6749 §2.3)', async () => {
    const { code, verifier: code_verifier } = await newGrant()
    const request = { grant_type: 'authorization_code', code, code_verifier }
    const authorization = basic(clientId, 'secret')
    for (const fields of [
      { client_id: clientId, client_secret: 'secret' },
      { client_id: 'client_other' },
      { client_id: clientId, client_assertion: 'x.y.z' },
    ]) {
      const answer = await house.send('/token', form({ ...request, ...fields }, { authorization }))
      expect(refusal(answer)).toEqual([400, 'invalid_request'])
    }
  })

  it.each(['Basic !!!', `Basic ${btoa('nocolon')}`, 'Basic', 'Bearer abc', 'Digest x="y"'])(
    'F13 answers a header that is not well-formed Basic with 401 and a challenge: %s',
    async (authorization) => {
      const fields = { grant_type: 'refresh_token', refresh_token: `mrt_${'A'.repeat(22)}.1.${'A'.repeat(43)}` }
      const answer = await house.send('/token', form(fields, { authorization }))
      expect(refusal(answer)).toEqual([401, 'invalid_client'])
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
    },
  )

  it.each(['password', 'client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange', 'Authorization_Code'])(
    'F16 knows no grant type %s',
    async (grant_type) => {
      const answer = await house.send('/token', form({ grant_type, client_id: clientId }))
      expect(refusal(answer)).toEqual([400, 'unsupported_grant_type'])
    },
  )

  it('F16 refuses a grant type that the client did not register', async () => {
    const client_id = await otherClient()
    await sql("update mcp_data.clients set grant_types = array['authorization_code'] where client_id = $1", [client_id])
    const answer = await refresh(`mrt_${'A'.repeat(22)}.1.${'A'.repeat(43)}`, { client_id })
    expect(refusal(answer)).toEqual([400, 'unauthorized_client'])
  })
})

describe('the request', () => {
  const quiet = openHouse({ dependencies: { store: silentStore } })
  const body = `grant_type=authorization_code&client_id=${clientId}&code=x&code_verifier=${'v'.repeat(43)}`
  const post = (contentType: string | undefined, text: BodyInit, path = '/token') =>
    quiet.send(path, {
      method: 'POST',
      body: new Blob([text as string]),
      headers: contentType === undefined ? {} : { 'content-type': contentType },
    })

  it.each([
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/x-www-form-urlencoded, text/plain',
    'application/x-www-form-urlencoded; charset=utf-16',
    'application/jsonx',
    undefined,
  ])('F17 with content type %s is 400, never 500', async (contentType) => {
    expect(refusal(await post(contentType, body))).toEqual([400, 'invalid_request'])
  })

  it('F18 with a parameter twice is refused, unless both say the same', async () => {
    const form = 'application/x-www-form-urlencoded'
    expect(refusal(await post(form, `${body}&code=y`))).toEqual([400, 'invalid_request'])
    expect((await post(form, `${body}&code=x`)).json?.error_uri).toContain('#code_unknown')
    expect(refusal(await post(form, `${body}&grant_type=refresh_token`))).toEqual([400, 'invalid_request'])
  })

  it('F18 with parameters in the URL is refused', async () => {
    const answer = await post('application/x-www-form-urlencoded', body, '/token?code=abc')
    expect(refusal(answer)).toEqual([400, 'invalid_request'])
    expect(answer.json?.error_uri).toContain('#query_not_allowed')
  })

  it.each([
    '{"code":{"x":1}}',
    '{"code":["a"]}',
    '{"code":1}',
    '{"code":null}',
    '{"__proto__":{"code":"a"}}',
    '[]',
    '"x"',
    'null',
    '{',
    '',
  ])('F19 with JSON %s is invalid_request, without a database call', async (json) => {
    expect(refusal(await post('application/json', json))).toEqual([400, 'invalid_request'])
  })

  it.each(['code[]=x', 'code.y=x', 'code%5B%5D=x'])('F20 with %s has no code', async (field) => {
    const text = `grant_type=authorization_code&client_id=${clientId}&code_verifier=${'v'.repeat(43)}&${field}`
    const answer = await post('application/x-www-form-urlencoded', text)
    expect([answer.status, answer.json?.error_uri]).toEqual([400, `${quiet.issuer}/errors#code_missing`])
  })

  it('F21 of one megabyte is refused with 413, told or streamed, without a database call', async () => {
    const megabyte = 'a'.repeat(1_048_576)
    expect((await post('application/x-www-form-urlencoded', megabyte)).status).toBe(413)
    const stream = new ReadableStream({
      start: (controller) => {
        for (let part = 0; part < 64; part++) controller.enqueue(new TextEncoder().encode('a'.repeat(16_384)))
        controller.close()
      },
    })
    const headers = { 'content-type': 'application/json' }
    expect((await quiet.send('/token', { method: 'POST', headers, body: stream })).status).toBe(413)
  })

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH'])('F23 %s is 405 and names POST', async (method) => {
    const answer = await quiet.send('/token', { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('F32 with two kilobytes of scope is invalid_scope, without a database call', async () => {
    const scope = Array.from({ length: 500 }, (_, place) => `s${place}`).join('+')
    const code = `mac_${'A'.repeat(22)}.${'A'.repeat(43)}`
    const answer = await post(
      'application/x-www-form-urlencoded',
      `${body.replace('code=x', `code=${code}`)}&scope=${scope}`,
    )
    expect(refusal(answer)).toEqual([400, 'invalid_scope'])
  })
})

describe('trouble of our own', () => {
  it('F24 is 503 with Retry-After and a fixed text; the log has the cause once', async () => {
    const broken = openHouse({ dependencies: { store: brokenStore } })
    const answer = await exchange(await newGrant(), { client_id: 'client_not_remembered' }, broken)
    expect(refusal(answer)).toEqual([503, 'temporarily_unavailable'])
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(answer.text).not.toContain('relation')
    expect(broken.lines.filter((line) => JSON.stringify(line).includes('relation'))).toHaveLength(1)
  })

  it('F29 keeps an exchanged code exchanged when its answer was lost: nothing is issued twice', async () => {
    const grant = await newGrant()
    const losing = openHouse({
      dependencies: {
        store: {
          call: async (name, args) => {
            await house.dependencies.store.call(name, args)
            return brokenStore.call(name, args)
          },
        },
      },
    })
    expect((await exchange(grant, {}, losing)).status).toBe(503)
    expect(refusal(await exchange(grant))).toEqual([400, 'invalid_grant'])
  })
})

describe('tokens', () => {
  it('F30 are never equal: each has random bits of its own', async () => {
    const tokens = await connect(owner, {})
    const retries = await Promise.all(Array.from({ length: 5 }, () => refresh(tokens.refresh_token)))
    const accessTokens = retries.map((answer) => tokensOf(answer).access_token)
    expect(new Set(accessTokens).size).toBe(5)
  })

  it('F31 are readable from any page without credentials, and the origin is never reflected', async () => {
    for (const origin of ['https://a.example', 'null']) {
      const answer = await house.send('/token', form({ grant_type: 'x' }, { origin }))
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      expect(answer.headers.has('access-control-allow-credentials')).toBe(false)
    }
  })
})
