import { beforeAll, describe, expect, it } from 'vitest'
import { type FormPage, type FormPerson, meetFormPerson, scopesShown } from '../support/form-person.ts'
import { type RegisteredServer, registerServer } from './owner.ts'
import { place } from './place.ts'
import { authorizationRequest, redirectUri } from './program.ts'

let server: RegisteredServer
let person: FormPerson
beforeAll(async () => {
  server = await registerServer()
  person = meetFormPerson(place)
})

type Fields = Record<string, string | undefined>

async function reachConsent(fields: Fields = {}): Promise<{ consent: FormPage; state: string }> {
  const { url, state } = await authorizationRequest({ resource: server.server_url, ...fields })
  const first = await person.open(url)
  return { state, consent: first.html.includes('name="decision"') ? first : await person.signIn(first) }
}

const decide = (consent: FormPage, decision: string) =>
  person.submit(consent, '/consent', { decision, scope: scopesShown(consent) })

describe('the authorization response', () => {
  it('carries code, state and iss by 303 [rfc6749-4.1.2-state] [rfc9207-2-success] [rfc9207-2-identical] [rfc9700-4.12-303] [mcp-2026-07-iss]', async () => {
    const { consent } = await reachConsent({ state: 'a+b/c=%20~&"<x>' })
    const { status, leftTo } = await decide(consent, 'approve')
    expect(status).toBe(303)
    expect(`${leftTo?.origin}${leftTo?.pathname}`).toBe(redirectUri)
    expect(leftTo?.searchParams.get('state')).toBe('a+b/c=%20~&"<x>')
    expect(leftTo?.searchParams.getAll('iss')).toEqual([place.issuer])
    expect([...(leftTo?.searchParams.keys() ?? [])].sort()).toEqual(['code', 'iss', 'state'])
  })

  it('is access_denied with state and iss when the person denies [rfc6749-4.1.2.1-access-denied] [rfc9207-2-error]', async () => {
    const { consent, state } = await reachConsent()
    const { status, leftTo } = await decide(consent, 'deny')
    expect(status).toBe(303)
    expect(Object.fromEntries(leftTo?.searchParams ?? [])).toMatchObject({
      error: 'access_denied',
      state,
      iss: place.issuer,
    })
    expect(leftTo?.searchParams.has('code')).toBe(false)
  })
})

describe('the consent page', () => {
  it('shows where the answer goes, and that this is the person’s own machine [mcp-2026-07-redirect-host-shown] [mcp-2026-07-localhost-warning]', async () => {
    const { consent } = await reachConsent()
    expect(consent.html).toContain('localhost')
    expect(consent.html).toMatch(/this (?:computer|machine|device)/i)
  })

  it('is shown again for prompt=consent [oidc-core-3.1.2.1-prompt-consent]', async () => {
    await decide((await reachConsent()).consent, 'approve')
    const { url } = await authorizationRequest({ resource: server.server_url, prompt: 'consent' })
    expect((await person.open(url)).html).toContain('name="decision"')
  })
})

describe('an earlier sign-in', () => {
  const opens = async (fields: Fields) => {
    await reachConsent()
    const { url } = await authorizationRequest({ resource: server.server_url, ...fields })
    return (await person.open(url)).html
  }

  it('counts, without a wish to the contrary [oidc-core-3.1.2.1-max-age]', async () => {
    expect(await opens({ max_age: '3600' })).toContain('name="decision"')
    expect(await opens({ max_age: '0' })).toContain('name="email"')
  })

  it('does not count for prompt=login [oidc-core-3.1.2.1-prompt-login]', async () => {
    expect(await opens({ prompt: 'login' })).toContain('name="email"')
  })
})
