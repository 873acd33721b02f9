import { beforeAll, expect, it } from 'vitest'
import {
  authorize,
  basic,
  exchange,
  form,
  house,
  type Owner,
  openServer,
  refresh,
  registerClient,
} from '../support/worker/flow.ts'
import { type Answer, openHouse, silentStore } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { clientId, type Fields } from '../worker/requests.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

const newGrant = (fields: Fields = {}) => authorize({ resource: owner.server_url, ...fields })

const refusal = ({ status, json }: Answer) => [status, json?.error]

it('F11 refuses a client without its registered method, and a public one that sends a secret', async () => {
  const confidential = await registerClient('client_secret_basic')
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
  const client_id = await registerClient()
  await sql("update mcp_data.clients set grant_types = array['authorization_code'] where client_id = $1", [client_id])
  const answer = await refresh(`mrt_${'A'.repeat(22)}.1.${'A'.repeat(43)}`, { client_id })
  expect(refusal(answer)).toEqual([400, 'unauthorized_client'])
})

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
