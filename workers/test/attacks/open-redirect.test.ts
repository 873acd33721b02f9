import { beforeAll, describe, expect, it } from 'vitest'
import { openHouse } from '../support/worker/house.ts'
import { atServer, authorizeUrl, openFor, pretender, type Registered, registerServer } from '../worker/requests.ts'
import { meetVisitor } from '../worker/visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

/** A deployment to which the pretender has registered itself, as dynamic registration will let anybody do. */
function houseOfPretender() {
  const { store } = openHouse().dependencies
  const found = { outcome: 'found', client: { ...pretender, client_id: 'pretender' } }
  const knowing = {
    call: (name: string, args: object) =>
      name === 'get_client' ? Promise.resolve(found) : store.call(name, { ...args }),
  }
  return openHouse({ dependencies: { store: knowing } })
}

describe('errors for a client that anybody could have registered', () => {
  it.each([{ scope: '\0' }, { response_type: 'token' }, { resource: 'https://nowhere.example' }, { prompt: 'none' }])(
    'A8 stay on our page, with a link that names the host: %j (RFC 9700 §4.11.2)',
    async (fields) => {
      const url = authorizeUrl({ client_id: 'pretender', redirect_uri: pretender.redirect_uris[0], ...fields })
      const page = await houseOfPretender().send(url.href)
      expect([page.status, page.headers.get('location')]).toEqual([400, null])
      expect(page.headers.get('content-type')).toMatch(/^text\/html/)
      expect(page.text).toMatch(/<a [^>]*href="https:\/\/app\.example\.net\/cb\?error=[^"]*state=a-state[^"]*iss=/)
      expect(page.text).toContain('app.example.net</b>')
    },
  )

  it('A9 stay on our page after Deny, too', async () => {
    const visitor = meetVisitor()
    const client = { client_id: `dcr_${crypto.randomUUID()}` }
    const transaction = await openFor(visitor, { client, authorization: atServer(server) })
    const consent = await visitor.signIn(await visitor.open(`/sign-in?transaction=${transaction}`))
    const page = await visitor.submit(consent, '/consent', { decision: 'deny' })
    expect([page.status, page.location]).toEqual([200, null])
    expect(page.text).toContain('app.example.net</b>')
    expect(page.text).toMatch(/<a [^>]*href="https:\/\/app\.example\.net\/cb\?error=access_denied/)
  })

  it('A9 go by themselves to a loopback client (RFC 6749 §4.1.2.1)', async () => {
    const visitor = meetVisitor()
    const consent = await visitor.signIn(await visitor.open(authorizeUrl({ resource: server.server_url })))
    const { status, location } = await visitor.submit(consent, '/consent', { decision: 'deny' })
    expect([status, location?.searchParams.get('error')]).toEqual([303, 'access_denied'])
  })
})
