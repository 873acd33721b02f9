import { expect, it } from 'vitest'
import { reasons } from '../../src/protocol/reasons.ts'
import { form, house } from '../support/worker/flow.ts'

it('explains each reason at the place that error_uri points to (RFC 6749 §5.2)', async () => {
  const { status, text, headers } = await house.send('/errors')
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8'])
  for (const [reason, { error }] of Object.entries(reasons)) {
    expect(text).toContain(`id="${reason}"`)
    expect(text).toContain(error)
  }
  const refused = await house.send('/token', form({}))
  expect(text).toContain(`id="${String(refused.json?.error_uri).split('#')[1]}"`)
})

it('answers an unknown path with a page to people and with JSON to programs', async () => {
  const page = await house.send('/nothing', { headers: { accept: 'text/html,*/*' } })
  expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=UTF-8'])
  expect(page.text).toContain('<a class="button-link filled" href="/">')
  expect(page.text).not.toContain('Not a program of yours')
  const json = await house.send('/nothing')
  expect([json.status, json.json?.error, json.json?.error_uri]).toEqual([
    404,
    'not_found',
    `${house.issuer}/errors#not_found`,
  ])
})

it('names the allowed methods of a path that exists, also one with an id in it', async () => {
  for (const [path, allow] of [
    ['/userinfo', 'GET, HEAD, POST'],
    ['/health', 'GET, HEAD'],
    [`/api/servers/srv_${'a'.repeat(22)}`, 'DELETE, GET, HEAD, PATCH'],
    ['/.well-known/jwks.json', 'GET, HEAD'],
  ] as const) {
    const answer = await house.send(path, { method: 'PUT' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
  }
})
