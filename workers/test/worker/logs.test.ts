import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import worker from '../../src/index.ts'
import { runScheduled } from '../../src/scheduled.ts'
import { connect, form, introspect, openServer, refresh } from '../support/worker/flow.ts'
import { brokenStore, openHouse } from '../support/worker/house.ts'
import { type LogKind, logKinds } from './log-fields.ts'
import { authorizeUrl } from './requests.ts'
import { meetVisitor } from './visitor.ts'

type Line = Readonly<Record<string, unknown>>

/** Lines of every kind, as they are really written. */
async function writeLines(): Promise<Line[]> {
  const house = openHouse()
  const noMail = openHouse({ dependencies: { sendEmail: () => Promise.reject(new Error('The carrier is away')) } })
  const broken = openHouse({ dependencies: { store: brokenStore } })
  const owner = await openServer()
  const tokens = await connect(owner, { scope: 'openid email files:read' })
  await introspect(owner, tokens.access_token, house)
  await introspect(owner, 'garbage', house)
  await refresh(tokens.refresh_token, {}, house)
  await house.send('/register', form({ redirect_uris: 'no JSON' }))
  const json = { 'content-type': 'application/json' }
  const body = JSON.stringify({ redirect_uris: ['http://localhost/callback'] })
  await house.send('/register', { method: 'POST', headers: json, body })
  await house.send('/.well-known/nothing')
  await house.send(`/authorize?client_id=${encodeURIComponent('https://nobody.invalid/client.json')}`)
  const visitor = meetVisitor()
  const page = await visitor.open(authorizeUrl({ resource: owner.server_url }))
  const csrf = /name="csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? ''
  const transaction = /name="transaction" value="([^"]*)"/.exec(page.text)?.[1] ?? ''
  const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = { origin: house.issuer, cookie }
  await noMail.send('/sign-in', form({ csrf, transaction, email: 'person@example.com' }, headers))
  await broken.send('/ready')
  await runScheduled(house.dependencies)
  await runScheduled(broken.dependencies).catch(() => undefined)
  return [house, noMail, broken].flatMap(({ lines }) => lines).concat(await notConfigured()) as unknown as Line[]
}

async function notConfigured(): Promise<never[]> {
  const written: string[] = []
  const { error } = console
  console.error = (line: string) => void written.push(line)
  const context = { waitUntil: () => undefined, passThroughOnException: () => undefined } as unknown as ExecutionContext
  const request = new Request<unknown, IncomingRequestCfProperties>('http://localhost:9400/health')
  await worker.fetch(request, { ...(env as unknown as Record<string, string>), TOKEN_PEPPERS: '' }, context)
  console.error = error
  return written.map((line) => JSON.parse(line) as never)
}

const lines = await writeLines()
const kindOf = (line: Line): LogKind | undefined => logKinds.find(({ has }) => has(line))

it('every line that is written is of a kind that docs/logs.md knows, with its fields and no other (SECURITY §29)', () => {
  for (const line of lines) {
    const fields = kindOf(line)?.fields ?? []
    const unknown = Object.keys(line).filter((name) => !fields.some((field) => field.name === name))
    const missing = fields.filter(({ name, isAlways }) => isAlways && !(name in line)).map(({ name }) => name)
    expect([line, unknown, missing]).toEqual([line, [], []])
    const wrong = fields.filter(({ name, schema }) => name in line && !schema.safeParse(line[name]).success)
    expect([line, wrong.map(({ name }) => name)]).toEqual([line, []])
  }
})

it('every kind and every field that docs/logs.md tells of is really written', () => {
  for (const kind of logKinds) {
    const own = lines.filter((line) => kindOf(line) === kind)
    const seen = new Set(own.flatMap((line) => Object.keys(line)))
    expect([kind.title, ...kind.fields.filter(({ name }) => !seen.has(name)).map(({ name }) => name)]).toEqual([
      kind.title,
    ])
  }
})
