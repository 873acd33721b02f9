import { expect } from 'vitest'
import { s256 } from '../../../src/crypto/pkce.ts'
import { randomBase64Url } from '../../../src/crypto/random.ts'
import { type Answer, attribute } from '../visitor.ts'
import { encode, fill } from './fill.ts'
import type { Landing, Row, Visit } from './row.ts'
import type { Stage } from './stage.ts'

const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&quot;': '"', '&#39;': "'" }

/** What a person reads: without tags, and with the page's characters for entities. */
function textOf(html: string): string {
  // A host is one word, although what was registered of it stands out.
  const whole = html.replaceAll(/<span class="host-rest">([^<]*)<\/span>/g, '$1')
  const words = whole.replaceAll(/<style>[\s\S]*?<\/style>|<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')
  return words.replaceAll(/&(?:amp|quot|#39);/g, (entity) => entities[entity] ?? entity)
}

/** The scopes that the consent page offers. */
function offered(page: Answer): string[] {
  const boxes = (page.text.match(/<input[^>]*>/g) ?? []).filter((tag) => attribute(tag, 'name') === 'scope')
  return boxes.map((tag) => attribute(tag, 'value') ?? '')
}

/** Where an error goes: by itself, or as the link of our page (SECURITY §12). */
function errorTarget(page: Answer): URL | undefined {
  if (page.location !== null) return page.location
  const link = (page.text.match(/<a [^>]*>/g) ?? []).find((tag) => attribute(tag, 'href')?.includes('error=') === true)
  return link === undefined ? undefined : new URL(attribute(link, 'href') ?? '')
}

/** The callback as the client sees it: its own URI, the byte-exact state, and the issuer (RFC 9207). */
function readCallback(stage: Stage, query: URLSearchParams, location: URL): void {
  const redirect_uri = query.get('redirect_uri') ?? location.href
  expect(location.href.startsWith(`${redirect_uri}?`)).toBe(true)
  expect(location.searchParams.get('state')).toBe(query.get('state'))
  expect(location.searchParams.getAll('iss')).toEqual([stage.values.get('issuer')])
  const code = location.searchParams.get('code')
  expect(code).toMatch(/^mac_/)
  stage.values.set('code', code ?? '')
}

async function consent(stage: Stage, page: Answer, landing: Extract<Landing, { consent: unknown }>) {
  const { visitor, values } = stage
  const shown = page.text.includes('name="decision"') ? page : await visitor.signIn(page)
  for (const text of landing.consent) expect(textOf(shown.text)).toContain(fill(text, values))
  const scope = landing.tick ?? offered(shown)
  const answer = await visitor.submit(shown, '/consent', { decision: 'approve', scope })
  expect([answer.status, answer.location === null ? answer.text : '']).toEqual([303, ''])
  return answer.location
}

/** Opens the authorization URL in the person's browser and does what the row says that happens there. */
export async function visit(stage: Stage, row: Row, { query, expect: landing }: Visit): Promise<void> {
  const { values, visitor } = stage
  const verifier = row.verifier ?? randomBase64Url(32)
  values.set('verifier', verifier)
  values.set('challenge', await s256(verifier))
  const asked = encode(query, values)
  const page = await visitor.open(`/authorize?${asked.toString()}`)
  if ('page' in landing) {
    expect([page.location, page.status >= 400, page.headers.get('content-type')]).toEqual([
      null,
      true,
      'text/html; charset=UTF-8',
    ])
    expect(page.text).toContain(`/errors#${landing.page}`)
    for (const text of landing.says ?? []) expect(textOf(page.text)).toContain(text)
    return
  }
  if ('error' in landing) {
    const target = errorTarget(page)
    expect([target?.searchParams.get('error'), target?.searchParams.get('state')]).toEqual([
      landing.error,
      asked.get('state'),
    ])
    expect(target?.searchParams.get('error_uri')).toContain(`#${landing.reason}`)
    return
  }
  const location = await consent(stage, page, landing)
  if (location !== null) readCallback(stage, asked, location)
}
