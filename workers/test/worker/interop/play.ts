import { expect } from 'vitest'
import { assertNever } from '../../../src/protocol/errors.ts'
import { introspect, userinfo } from '../../support/worker/flow.ts'
import type { Answer, Sending } from '../../support/worker/house.ts'
import { changeConnection } from '../../support/worker/sql.ts'
import { basicSpellings, encode, fill, fillAll } from './fill.ts'
import { whileHosting } from './hosting.ts'
import type { Ask, Expected, Row, Step } from './row.ts'
import { openStage, type Stage } from './stage.ts'
import { visit } from './visit.ts'

const known = (stage: Stage, name: string) => stage.values.get(name) ?? ''

/** What a client makes anew for each request out of what it was given. */
async function prepare(stage: Stage): Promise<void> {
  const { values } = stage
  const client_id = values.get('client_id')
  if (client_id === undefined) return
  values.set('client_assertion', await stage.assert(client_id))
  const secret = values.get('client_secret')
  if (secret === undefined) return
  for (const [name, header] of Object.entries(basicSpellings(client_id, secret))) values.set(name, header)
}

function sendingOf({ method, headers = {}, json, form }: Ask, stage: Stage): Sending {
  const { values } = stage
  const given = fillAll(headers, values)
  if (json !== undefined) {
    const body = JSON.stringify(fillAll(json, values))
    return { method, headers: { 'content-type': 'application/json', ...given }, body }
  }
  if (form === undefined) return { method, headers: given }
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return { method, headers: { ...type, ...given }, body: encode(form, values).toString() }
}

function audienceOf(accessToken: string): unknown {
  const payload = (accessToken.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
  return (JSON.parse(atob(payload)) as { aud?: unknown }).aud
}

/** The token is good where it was meant for, and nowhere else: at our SDK, at introspection, at userinfo. */
async function tryToken(stage: Stage, token: string, scope: string, isForServer: boolean): Promise<void> {
  const key = { server_id: known(stage, 'server_id'), key_secret: known(stage, 'key_secret') }
  expect((await introspect(key, token, stage.house)).json?.active).toBe(isForServer)
  const granted = scope.split(' ')
  const sending = { headers: { authorization: `Bearer ${token}` } }
  const answer = await stage.send('server', known(stage, 'path'), sending)
  const misses = granted.includes('files:read') ? 200 : 403
  expect(answer.status).toBe(isForServer ? misses : 401)
  if (granted.includes('openid')) expect((await userinfo(token)).status).toBe(200)
}

/** The token response as strict clients want it (RFC 6749 §5.1; INTEROP 4.6). */
async function expectTokens(stage: Stage, answer: Answer, wanted: NonNullable<Expected['tokens']>): Promise<void> {
  const { json, headers } = answer
  const scope = fill(wanted.scope, stage.values)
  const audience = fill(wanted.audience, stage.values)
  expect(json).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(Number), scope })
  expect([headers.get('cache-control'), headers.get('content-type')]).toEqual(['no-store', 'application/json'])
  // As JSON has it: by chance a token may have the four letters.
  expect(answer.text).not.toMatch(/[:[,]null/)
  const access = String(json?.access_token)
  expect(audienceOf(access)).toBe(audience)
  stage.values.set('access_token', access)
  if (json?.refresh_token !== undefined) stage.values.set('refresh_token', String(json.refresh_token))
  await tryToken(stage, access, scope, audience === known(stage, 'server'))
}

async function expectAnswer(stage: Stage, answer: Answer, expected: Expected): Promise<void> {
  const { status, headers = {}, json, without = [], contains = [], lacks = [], learn = {}, tokens } = expected
  expect([answer.status, answer.status === status ? '' : answer.text]).toEqual([status, ''])
  for (const [name, value] of Object.entries(fillAll(headers, stage.values))) {
    expect([name, answer.headers.get(name)]).toEqual([name, value])
  }
  if (json !== undefined) expect(answer.json).toMatchObject(fillAll(json, stage.values))
  for (const name of without) expect(answer.json).not.toHaveProperty(name)
  for (const text of contains) expect(answer.text).toContain(fill(text, stage.values))
  for (const text of lacks) expect(answer.text).not.toContain(text)
  for (const [name, member] of Object.entries(learn)) {
    expect(answer.json).toHaveProperty(member)
    stage.values.set(name, String(answer.json?.[member]))
  }
  if (tokens !== undefined) await expectTokens(stage, answer, tokens)
}

async function ask(stage: Stage, step: Ask): Promise<Answer> {
  await prepare(stage)
  return stage.send(step.at, fill(step.path, stage.values), sendingOf(step, stage))
}

async function playStep(stage: Stage, row: Row, step: Step): Promise<void> {
  switch (step.does) {
    case 'ask':
      return expectAnswer(stage, await ask(stage, step), step.expect)
    case 'burst': {
      const answers = await Promise.all(Array.from({ length: step.times }, () => ask(stage, step.ask)))
      expect(new Set(answers.map(({ json }) => json?.refresh_token)).size).toBe(1)
      for (const answer of answers) await expectAnswer(stage, answer, step.ask.expect)
      return
    }
    case 'visit':
      return visit(stage, row, step)
    case 'wait':
      return changeConnection(
        known(stage, 'refresh_token'),
        `rotated_at = rotated_at - interval '${step.seconds} seconds'`,
      )
    default:
      return assertNever(step)
  }
}

/** Plays the requests of a row, one after the other, against this server as it is. */
export async function play(row: Row): Promise<void> {
  const stage = await openStage(row)
  await whileHosting(row.hosted ?? [], stage.keys, async () => {
    for (const step of row.steps) await playStep(stage, row, step)
  })
}
