import { afterEach, describe, expect, it } from 'vitest'
import { newPath, openDevelopment, publish, stopClock } from '../support/worker/clients.ts'
import { hostUrl, requestsFor } from '../support/worker/document-host.ts'
import { type House, openHouse } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { authorizeUrl, registerServer } from './requests.ts'
import { meetVisitor } from './visitor.ts'

// What the operator's command changes, see supabase/tests/operate-switches.test.ts.
const turnOff = (column: string) => sql(`update mcp_data.settings set ${column} = false`)

afterEach(async () => {
  await sql(
    'update mcp_data.settings set registration_is_on = true, email_sign_in_is_on = true, documents_are_on = true',
  )
})

const metadata = JSON.stringify({ redirect_uris: ['http://localhost/callback'], token_endpoint_auth_method: 'none' })
const register = (at: House) =>
  at.send('/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body: metadata })

describe('registration', () => {
  it('M12 stops within ten seconds, in an isolate that has just read that it is on', async () => {
    const clock = stopClock()
    const own = openHouse()
    expect(await register(own)).toMatchObject({ status: 201 })
    await turnOff('registration_is_on')
    clock.pass(9)
    expect(await register(own)).toMatchObject({ status: 201 })
    clock.pass(1)
    expect(await register(own)).toMatchObject({ status: 403, json: { error: 'registration_not_supported' } })
    expect(await register(openHouse())).toMatchObject({ status: 403 })
  })

  it('M12 waits where nobody can say whether it is on: 503 with Retry-After', async () => {
    const toDatabase = () => Promise.reject(new Error('gone'))
    const answer = await register(openHouse({ network: { toDatabase } }))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)])
  })
})

describe('sign-in by e-mail', () => {
  it('M12 is refused at once with a page that says so; the code that was sent waits', async () => {
    const { server_url } = await registerServer()
    const visitor = meetVisitor()
    const page = await visitor.open(authorizeUrl({ resource: server_url }))
    const codePage = await visitor.follow(await visitor.submit(page, '/sign-in', { email: visitor.email }))
    const code = await visitor.nextCode()
    await turnOff('email_sign_in_is_on')
    for (const refused of [
      await visitor.submit(page, '/sign-in', { email: visitor.email }),
      await visitor.submit(codePage, '/sign-in/code', { code }),
    ]) {
      expect(refused.status).toBe(503)
      expect(refused.text).toContain('Signing in by e-mail is switched off')
      expect(refused.location).toBeNull()
    }
    await sql('update mcp_data.settings set email_sign_in_is_on = true')
    expect((await visitor.submit(codePage, '/sign-in/code', { code })).location?.pathname).toBe('/consent')
  })
})

describe('documents', () => {
  it('M12 are not fetched any more; what is remembered still counts', async () => {
    const clock = stopClock()
    const own = openDevelopment()
    const ask = (client_id: string) => own.send(authorizeUrl({ client_id, scope: 'openid' }).href)
    const known = await publish()
    expect((await ask(known)).status).toBe(200)
    await turnOff('documents_are_on')
    const path = newPath()
    await publish({}, path)
    clock.pass(10)
    expect((await ask(hostUrl(path))).status).toBe(400)
    expect((await ask(known)).status).toBe(200)
    expect(await requestsFor(path)).toEqual([])
  })
})
