import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormPage, type FormPerson, meetFormPerson } from '../support/form-person.ts'
import * as proxy from '../support/http-proxy.ts'
import { openMail } from '../support/mailbox.ts'
import { addressOf, startGithub, type Upstream, upstreamClient } from '../support/upstream.ts'
import { answerWith, openStrangeHost, type StrangeHost } from '../workerd/strange-host.ts'
import { lineOf } from './expect-outage.ts'
import { type FaultPlace, hastyDocuments, startFaultPlace } from './fault-place.ts'

let place: FaultPlace
let github: Upstream
let toGithub: proxy.HttpProxy
let acme: StrangeHost

beforeAll(async () => {
  let githubUrl = ''
  toGithub = await proxy.openHttpProxy(() => githubUrl)
  acme = await openStrangeHost()
  const rows = [
    { kind: 'github', id: 'github', name: 'GitHub', issuer: toGithub.url, api_url: toGithub.url, ...upstreamClient },
    { id: 'acme', name: 'Acme', issuer: acme.url(''), ...upstreamClient },
  ]
  const IDENTITY_PROVIDERS = JSON.stringify(rows)
  place = await startFaultPlace({
    variables: { DOCUMENTS_ALLOW_LOOPBACK: 'on', IDENTITY_PROVIDERS, LIMITS: hastyDocuments },
  })
  const port = await freePort()
  githubUrl = `http://localhost:${port}`
  github = await startGithub(port, `${place.issuer}/sign-in/callback/github`)
})
afterAll(async () => {
  await place.close()
  await github.close()
  await toGithub.close()
  await acme.close()
})

const signInPage = (person: FormPerson) => person.open(new URL('/sign-in', place.issuer))

/** Follows the link of the page to this provider. */
function goTo(person: FormPerson, page: FormPage, id: string): Promise<FormPage> {
  const href = new RegExp(`href="(/sign-in/provider/${id}\\?[^"]+)"`).exec(page.html)?.[1]
  if (href === undefined) throw new Error(`status ${page.status}: no way to ${id}`)
  return person.open(new URL(href.replaceAll('&amp;', '&'), place.issuer))
}

/** Says there who one is; gives the way back. */
async function sayYes({ leftTo }: FormPage, login: string): Promise<URL> {
  const { searchParams } = leftTo ?? new URL('about:blank')
  const form = new URLSearchParams([...searchParams, ['login', login]])
  const answer = await fetch(`${toGithub.url}/login?${form}`, { redirect: 'manual' })
  return new URL(answer.headers.get('location') ?? '')
}

const failures = [
  ['never answers', proxy.neverAnswer],
  ['answers 502', proxy.answerWithGatewayPage],
  ['answers with a page', proxy.answerWithHtml],
  ['ends the connection', proxy.hangUp],
] as const

test.each(failures)(
  '[provider_fails] a provider %s to whom a person comes back: the sign-in page says so, and the next try works',
  async (_what, behaviour) => {
    const person = meetFormPerson(place)
    const login = `ada-${crypto.randomUUID().slice(0, 8)}`
    const back = await sayYes(await goTo(person, await signInPage(person), 'github'), login)
    toGithub.behave(behaviour)
    const page = await person.open(back)
    toGithub.behave(proxy.pass)
    expect([page.status, page.html.includes('GitHub did not answer as it should')]).toEqual([400, true])
    const reference = page.headers.get('x-request-id') ?? '-'
    const line = await lineOf(place, reference)
    expect(line).toMatchObject({
      reason: 'provider_failed',
      cause: expect.stringMatching(/^ProviderFailed: /) as string,
    })
    expect(JSON.stringify(line)).not.toContain(back.searchParams.get('code'))
    const again = await person.open(await sayYes(await goTo(person, page, 'github'), login))
    expect([again.status, again.html.includes('GitHub says that')]).toEqual([200, true])
    const code = await openMail(place.mailboxUrl, addressOf(login)).nextCode()
    const linked = await person.submit(again, '/sign-in/code', { code })
    expect([linked.status, linked.html.includes(addressOf(login))]).toEqual([200, true])
  },
)

test('[provider_fails] a provider whose metadata never comes: the sign-in page says so at the door, and a code works there', async () => {
  acme.behave(() => undefined)
  const person = meetFormPerson(place)
  const page = await goTo(person, await signInPage(person), 'acme')
  expect([page.status, page.leftTo, page.html.includes('Acme did not answer as it should')]).toEqual([400, null, true])
  const issuer = acme.url('')
  const endpoints = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'].map((name) => [name, `${issuer}/${name}`])
  const metadata = JSON.stringify({ issuer, ...Object.fromEntries(endpoints) })
  acme.behave((socket) => answerWith(socket, metadata))
  // The failure is remembered for a second here.
  const leaves = async () => (await goTo(person, page, 'acme')).leftTo?.pathname
  await expect.poll(leaves).toBe('/authorization_endpoint')
  expect((await person.signIn(page)).html).toContain(person.email)
})
