import { expect, it } from 'vitest'
import { createAppForClients } from '../../src/app-for-clients.ts'
import { createAppForPeople } from '../../src/app-for-people.ts'
import { connect, openServer } from '../support/worker/flow.ts'
import { brokenStore, openHouse } from '../support/worker/house.ts'
import { authorizeUrl } from '../worker/requests.ts'
import { meetVisitor } from '../worker/visitor.ts'

type Known = { readonly server_id: string; readonly cookie: string; readonly bearer: string }

/** What a signed-in person, or an owner with a credential, would send to a route. */
function sendingTo(method: string, path: string, { cookie, bearer }: Known) {
  const isForPrograms = /^\/(?:api|userinfo|introspect)/.test(path)
  const headers = isForPrograms
    ? { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
    : { cookie, accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' }
  return { method, headers, ...(method !== 'GET' && { body: isForPrograms ? '{}' : '' }) }
}

function pathOf(pattern: string, { server_id }: Known): string {
  if (pattern === '/authorize') return authorizeUrl().href
  const values: Record<string, string> = { ':server_id': server_id, ':tab': 'keys' }
  return pattern.replaceAll(/:\w+(?:\{[^}]*\})?/g, (name) => values[name] ?? 'A'.repeat(22))
}

it('H16 F24 M10 [database_gone] every route: a 503 that says when to come again, or an answer that needs no database; never a 500', async () => {
  const owner = await openServer()
  const { access_token, visitor } = await connect(owner, { scope: 'openid files:read' })
  const other = meetVisitor()
  await other.signIn(await other.open(authorizeUrl({ resource: owner.server_url })))
  const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const broken = openHouse({ dependencies: { store: brokenStore } })
  const routes = [createAppForClients, createAppForPeople].flatMap((create) => create(broken.dependencies).routes)
  const outages = new Set<string>()
  for (const { method, path: pattern } of routes.filter((route) => route.method !== 'ALL')) {
    const bearer = pattern === '/userinfo' ? access_token : owner.management_token
    const known = { server_id: owner.server_id, cookie, bearer }
    const path = pathOf(pattern, known)
    const { status, headers, text } = await broken.send(path, sendingTo(method, pattern, known))
    const told = [method, pattern, status]
    expect(told).not.toEqual([method, pattern, 500])
    expect([...told, text.includes('relation')]).toEqual([...told, false])
    if (status !== 503) continue
    outages.add(`${method} ${pattern}`)
    expect([...told, headers.get('retry-after')]).toEqual([...told, '5'])
    const isPage = headers.get('content-type')?.startsWith('text/html') === true
    expect([...told, text.includes(isPage ? (headers.get('x-request-id') ?? '-') : 'temporarily_unavailable')]).toEqual(
      [...told, true],
    )
  }
  // So many at least: what is turned away before would have nothing to tell.
  expect([...outages].length).toBeGreaterThan(25)
  for (const route of [
    'GET /authorize',
    'GET /account',
    'GET /dashboard',
    'GET /api/servers/:server_id',
    'GET /userinfo',
  ]) {
    expect(outages).toContain(route)
  }
})
