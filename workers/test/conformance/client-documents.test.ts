import { describe, expect, it, onTestFinished } from 'vitest'
import { makeLoopbackCertificate } from '../support/certificate.ts'
import { type FormPage, meetFormPerson } from '../support/form-person.ts'
import { type Document, type DocumentHost, hostDocuments } from './document-host.ts'
import { registerServer } from './owner.ts'
import { place } from './place.ts'
import { authorizationRequest, redirectUri } from './program.ts'

async function host(): Promise<DocumentHost> {
  const documents = await hostDocuments()
  onTestFinished(documents.close)
  return documents
}

const right = {
  client_name: 'Documented',
  redirect_uris: ['http://localhost/callback'],
  token_endpoint_auth_method: 'none',
}

/** Publishes a document that is right in everything but these members. */
const publish = (documents: DocumentHost, changes: object = {}, answer: Partial<Document> = {}) =>
  documents.publish('client.json', (client_id) => ({ client_id, ...right, ...changes }), answer)

async function open(client_id: string, redirect_uri = redirectUri): Promise<FormPage> {
  const { server_url } = await registerServer()
  const { url } = await authorizationRequest({ client_id, redirect_uri, resource: server_url })
  return meetFormPerson(place).open(url)
}

const goesOn = (page: FormPage) => page.status === 200 && page.html.includes('name="email"')
const refusedOnPage = (page: FormPage) => page.status >= 400 && page.leftTo === null

describe('a client metadata document', () => {
  it('is fetched, and speaks for its client [mcp-2026-07-cimd-fetch]', async () => {
    const documents = await host()
    const client_id = publish(documents)
    const page = await open(client_id)
    expect([goesOn(page), page.html]).toEqual([true, expect.stringContaining('Documented')])
    expect(documents.requests(client_id)).toBe(1)
  })

  it('names its own URL, character by character [mcp-2026-07-cimd-client-id]', async () => {
    const documents = await host()
    const client_id = publish(documents, { client_id: 'https://another.example/client.json' })
    expect(refusedOnPage(await open(client_id))).toBe(true)
    const own = publish(documents)
    expect(refusedOnPage(await open(`${own}?`))).toBe(true)
  })

  it('is remembered for as long as its headers say [mcp-2026-07-cimd-cache]', async () => {
    const documents = await host()
    const client_id = publish(documents, {}, { cacheControl: 'max-age=3600' })
    for (let time = 0; time < 3; time += 1) expect(goesOn(await open(client_id))).toBe(true)
    expect(documents.requests(client_id)).toBe(1)
  })

  it('lists the redirect URIs, and there are no others [mcp-2026-07-cimd-redirect]', async () => {
    const client_id = publish(await host())
    expect(goesOn(await open(client_id, 'http://localhost:50123/callback'))).toBe(true)
    for (const elsewhere of ['http://localhost:50123/other', 'https://another.example/callback']) {
      const page = await open(client_id, elsewhere)
      expect([elsewhere, refusedOnPage(page)]).toEqual([elsewhere, true])
      expect(page.html).not.toContain('href="https://another.example')
    }
  })

  it('is JSON with a name and redirect URIs [mcp-2026-07-cimd-structure]', async () => {
    const documents = await host()
    const missing = [{ client_name: undefined }, { redirect_uris: undefined }, { redirect_uris: [] }]
    for (const changes of missing) expect(refusedOnPage(await open(publish(documents, changes)))).toBe(true)
    for (const answer of [{ body: '{"client_id":' }, { body: '[]' }, { contentType: 'text/html' }]) {
      expect(refusedOnPage(await open(publish(documents, {}, answer)))).toBe(true)
    }
  })

  it('holds no secret, and cannot be weakened by one [mcp-2026-07-cimd-security]', async () => {
    const documents = await host()
    const secrets = [{ client_secret: 'known to all' }, { token_endpoint_auth_method: 'client_secret_basic' }]
    for (const changes of secrets) expect(refusedOnPage(await open(publish(documents, changes)))).toBe(true)
    const elsewhere = publish(documents, { redirect_uris: ['https://another.example/callback'] })
    expect(refusedOnPage(await open(elsewhere, 'https://another.example/callback'))).toBe(true)
  })

  it('is asked for on the public network only, and leads nowhere else [mcp-2026-07-cimd-ssrf]', async () => {
    const documents = await host()
    const target = publish(documents)
    for (const status of [301, 302, 307, 308]) {
      const redirecting = publish(documents, {}, { status, location: target })
      expect([status, refusedOnPage(await open(redirecting))]).toEqual([status, true])
    }
    expect(documents.requests(target)).toBe(0)
    const inside = ['https://10.0.0.1/c', 'https://169.254.169.254/c', 'https://metadata.internal/c', 'http://a.dev/c']
    for (const client_id of inside) expect([client_id, refusedOnPage(await open(client_id))]).toEqual([client_id, true])
  })

  it('is not read from a host that cannot prove its name [mcp-2026-07-https]', async () => {
    const documents = await hostDocuments(await makeLoopbackCertificate())
    onTestFinished(documents.close)
    const client_id = publish(documents)
    expect(refusedOnPage(await open(client_id))).toBe(true)
    expect(documents.requests(client_id)).toBe(0)
  })
})
